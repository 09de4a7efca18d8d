// Serves the pages that `cargo run -p dashboards --example render` drew, with the headers of the real server and a live
// stream that sends the drawn facts once: enough to test pages without a collector.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const TYPES = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

/** File of a path, language and theme; null for a path that is not there. */
function fileOf(path, language, theme) {
  const page = (name) => `${name}.${language}.${theme}.html`;
  if (path === "/") return page("city");
  if (path === "/site/rz-nord") return page("site-nord");
  if (path === "/site/rz-sued") return page("site-sued");
  if (path === "/site/rz-nord/quality" || path === "/site/rz-sued/quality") return page("quality");
  if (path === "/reports") return page("reports");
  const document = /^\/reports\/(frankfurt|rz-nord)-2026-1[01]-r1\.(de|en)\.html$/.exec(path);
  if (document) return `${document[1] === "frankfurt" ? "report" : "report-one"}.${document[2]}.html`;
  return null;
}

export async function serve(folder) {
  const headers = JSON.parse(await readFile(join(folder, "headers.json"), "utf8"));
  const reportPolicy = await readFile(join(folder, "report-policy.txt"), "utf8");
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const language = url.searchParams.get("lang") === "en" ? "en" : "de";
    const theme = url.searchParams.get("theme") === "dark" ? "dark" : "light";
    const asset = /^\/assets\/([a-z]+\.(css|js|svg))$/.exec(url.pathname);
    try {
      if (url.pathname === "/api/v1/live") {
        const site = (url.searchParams.get("site") ?? "").replace(/[^a-z0-9-]/g, "");
        const facts = await readFile(join(folder, `live-${site}.json`), "utf8");
        response.writeHead(200, { ...headers, "content-type": "text/event-stream", "cache-control": "no-store" });
        response.write(`data: ${facts}\n\n`);
      } else if (asset) {
        const body = await readFile(join(folder, "assets", asset[1]));
        response.writeHead(200, { ...headers, "content-type": `${TYPES[asset[2]]}; charset=utf-8` });
        response.end(body);
      } else {
        const file = fileOf(url.pathname, language, theme);
        const body = await readFile(join(folder, file ?? `message.${language}.${theme}.html`));
        const policy = url.pathname.startsWith("/reports/") ? { "content-security-policy": reportPolicy } : {};
        response.writeHead(file ? 200 : 404, { ...headers, ...policy, "content-type": "text/html; charset=utf-8" });
        response.end(body);
      }
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}
