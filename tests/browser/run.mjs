// Opens the panels in Chromium and checks what only a browser can: accessibility (axe), the security policy, requests to
// other hosts, narrow screens, pages without JavaScript, the clock of another zone, staleness.
//
//   WATTWACHT_URL=http://127.0.0.1:8080   a running collector or demo, or
//   WATTWACHT_PAGES=FOLDER                pages drawn by `cargo run -p dashboards --example render -- FOLDER`
//   WATTWACHT_SHOTS=FOLDER                where screenshots go (default: target/browser)
//   CHROMIUM=/usr/bin/chromium            the browser
//
// Prints one line for each failure and `N passed, N failed` last; exit code 1 if anything failed, 2 for wrong usage.

import { access, mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const shots = process.env.WATTWACHT_SHOTS ?? join(here, "../../target/browser");
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "EN-301-549", "EN-301-549v4", "best-practice"];
const WAIT_MS = 15_000;

let passed = 0;
let failed = 0;

/** Runs one check; a failure is one line and never stops the others. */
async function check(name, run) {
  try {
    await run();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n  ${String(error.message ?? error).split("\n").slice(0, 12).join("\n  ")}`);
  }
}

function demand(holds, message) {
  if (!holds) throw new Error(message);
}

async function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  await access(executablePath).catch(() => {
    console.log(`${executablePath} is not there: install Debian's package chromium, or set CHROMIUM`);
    process.exit(2);
  });
  const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-quic", "--disable-gpu"];
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath, args });
}

/** A page that keeps a list of all that must not happen. */
async function open(browser, base, options = {}) {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "America/New_York", ...options });
  const page = await context.newPage();
  const troubles = [];
  page.setDefaultTimeout(WAIT_MS);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(base).origin) troubles.push(`other host: ${request.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await page.exposeFunction("reportViolation", (text) => troubles.push(`policy: ${text}`));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
    });
  }
  return { context, page, troubles };
}

async function axe(page) {
  // Evaluated by the driver and so exempt from the page's policy, which stays in force for the page itself.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] }), TAGS);
  return violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).join("\n    ")}`);
}

/** What is wrong with sizes: sideways scrolling, drawings whose text is under 12 px. */
function sizes() {
  const wrong = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroller"));
    wrong.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}, ${wide.slice(-3).map((e) => `${e.tagName}.${e.className}`)}`);
  }
  for (const text of document.querySelectorAll("svg[role=img] text")) {
    const svg = text.ownerSVGElement;
    if (svg.getBoundingClientRect().width === 0) continue;
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    if (size < 11.99) wrong.push(`text of ${size.toFixed(1)} px in a drawing: ${text.textContent}`);
    const box = text.getBBox();
    if (box.x < -1 || box.x + box.width > svg.viewBox.baseVal.width + 1) wrong.push(`text leaves the drawing: ${text.textContent}`);
  }
  for (const figure of document.querySelectorAll("figure")) {
    if (!figure.querySelector("figcaption")?.textContent.trim()) wrong.push(`figure ${figure.id} has no caption`);
    if (!figure.querySelector(".summary")?.textContent.trim()) wrong.push(`figure ${figure.id} has no summary`);
    if (!figure.querySelector("table tbody tr")) wrong.push(`figure ${figure.id} has no table`);
  }
  return wrong.slice(0, 8);
}

function address(base, path, query) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

const fileName = (path) => path.replaceAll(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "overview";

async function look(browser, base, path, { language, theme, width }) {
  const name = `${path} ${language} ${theme} ${width}`;
  const { context, page, troubles } = await open(browser, base, { viewport: { width, height: 900 }, colorScheme: theme });
  await check(`${name} opens`, async () => {
    const response = await page.goto(address(base, path, { lang: language, theme }), { waitUntil: "load" });
    demand(response.status() === 200, `status ${response.status()}`);
    demand((await page.getAttribute("html", "lang")) === language, "wrong lang");
    demand(!(await page.content()).includes("⟦"), "a message is missing");
  });
  await check(`${name} has no axe violation`, async () => {
    const violations = await axe(page);
    demand(violations.length === 0, violations.join("\n"));
  });
  await check(`${name} fits`, async () => {
    const wrong = await page.evaluate(sizes);
    demand(wrong.length === 0, wrong.join("\n"));
  });
  await page.screenshot({ path: join(shots, `${fileName(path)}.${language}.${theme}.${width}.png`), fullPage: true });
  await check(`${name} keeps to its policy and its host`, async () => {
    demand(troubles.length === 0, troubles.join("\n"));
  });
  await context.close();
}

async function withoutScript(browser, base, path) {
  const { context, page } = await open(browser, base, { javaScriptEnabled: false });
  await check(`${path} works without JavaScript`, async () => {
    await page.goto(address(base, path, { lang: "de" }));
    const values = await page.locator(".tile .number").allTextContents();
    demand(values.length >= 4 && values.some((value) => /\d/.test(value)), `values: ${values}`);
    demand((await page.locator("noscript").count()) > 0, "nothing says that the page does not refresh itself");
  });
  await context.close();
}

async function anotherZone(browser, base, path) {
  const stamps = [];
  for (const timezoneId of ["Europe/Berlin", "America/New_York"]) {
    const { context, page } = await open(browser, base, { timezoneId });
    await page.goto(address(base, path, { lang: "de" }));
    await page.waitForTimeout(300);
    // Hours only: minutes go on between two looks at a living server.
    stamps.push((await page.locator("[data-live=power_total] .at").allTextContents()).map((t) => t.slice(0, 2)).join());
    await context.close();
  }
  await check(`${path} shows the site's time in every zone`, async () => {
    demand(stamps[0] === stamps[1], stamps.join(" / "));
  });
}

async function growsStale(browser, base, path) {
  const { context, page } = await open(browser, base);
  await check(`${path} says that it is stale after three silent intervals`, async () => {
    await page.clock.install();
    await page.route("**/api/v1/live**", (route) => route.abort());
    await page.goto(address(base, path, { lang: "de" }));
    demand(await page.locator("#stale").isHidden(), "stale at once");
    const interval = Number(await page.locator("[data-interval]").first().getAttribute("data-interval"));
    await page.clock.runFor(3 * interval + 3000);
    await page.locator("#stale").waitFor({ state: "visible" });
    demand((await page.locator("#stale").textContent()).includes("Veraltet"), "the word is missing");
    const states = await page.locator("[data-state-of] .chip").allTextContents();
    demand(states.every((state) => state === "veraltet"), `a silent site still says: ${states}`);
    await page.screenshot({ path: join(shots, `${fileName(path)}.stale.png`) });
  });
  await context.close();
}

async function live(browser, base, path) {
  const { context, page, troubles } = await open(browser, base);
  await check(`${path} takes live values`, async () => {
    await page.goto(address(base, path, { lang: "de" }));
    // A tile gets `data-value` from the first message of the stream, and the same text as the server drew.
    const tile = page.locator("[data-live=power_total][data-value]").first();
    await tile.waitFor({ state: "attached" });
    demand(/^[\d.,–\u2212]+$/.test(await tile.locator(".number").textContent()), "no number");
    const said = await page.locator("[data-finding]").first().textContent();
    const number = await tile.locator(".number").textContent();
    demand(number === "–" || !/\d kW/.test(said) || said.includes(number), `sentence and tile differ: ${said} / ${number}`);
    const pause = page.locator("#pause");
    await pause.click();
    demand((await pause.getAttribute("aria-pressed")) === "true", "cannot be paused");
    demand(troubles.length === 0, troubles.join("\n"));
  });
  await context.close();
}

async function keyboard(browser, base, path) {
  const { context, page } = await open(browser, base);
  await check(`${path} can be walked by keyboard`, async () => {
    await page.goto(address(base, path, { lang: "de" }));
    await page.keyboard.press("Tab");
    demand((await page.evaluate(() => document.activeElement.className)) === "skip", "the first stop is no skip link");
    await page.keyboard.press("Enter");
    demand((await page.evaluate(() => document.activeElement.id)) === "main", "the skip link leads nowhere");
    for (let stop = 0; stop < 60; stop += 1) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const e = document.activeElement;
        if (e === document.body) return "end";
        const style = getComputedStyle(e);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? "seen" : `${e.tagName} ${e.textContent.slice(0, 40)}`;
      });
      if (seen === "end") return;
      demand(seen === "seen", `focus cannot be seen on ${seen}`);
    }
  });
  await context.close();
}

/** Colours of the system, colours inverted, motion reduced, text spread (WCAG 1.4.12), 200 % text. */
async function adapted(browser, base, path) {
  const { context, page, troubles } = await open(browser, base, { viewport: { width: 640, height: 900 }, forcedColors: "active", reducedMotion: "reduce" });
  await check(`${path} holds with forced colours and spread text`, async () => {
    await page.goto(address(base, path, { lang: "de" }));
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}");
      document.adoptedStyleSheets = [sheet];
    });
    const sideways = await page.evaluate(() => document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth);
    demand(!sideways, "scrolls sideways");
    await page.screenshot({ path: join(shots, `${fileName(path)}.forced.png`), fullPage: true });
    demand(troubles.length === 0, troubles.join("\n"));
  });
  await context.close();
}

async function document_(browser, base, path, width) {
  const { context, page, troubles } = await open(browser, base, { viewport: { width, height: 1000 } });
  const name = `${path} ${width}`;
  await check(`${name} has no axe violation`, async () => {
    await page.goto(address(base, path, {}));
    const violations = await axe(page);
    demand(violations.length === 0, violations.join("\n"));
    demand(!(await page.content()).includes("⟦"), "a message is missing");
  });
  await check(`${name} fits`, async () => {
    const wrong = await page.evaluate(sizes);
    demand(wrong.length === 0, wrong.join("\n"));
  });
  await check(`${name} keeps to its policy and its host`, async () => {
    demand(troubles.length === 0, troubles.join("\n"));
  });
  await page.screenshot({ path: join(shots, `${fileName(path)}.${width}.png`), fullPage: true });
  if (width > 1000) await page.pdf({ path: join(shots, `${fileName(path)}.pdf`), format: "A4", preferCSSPageSize: true });
  await context.close();
}

/** Sites and reports as the pages themselves link them. */
async function discover(browser, base) {
  const { context, page } = await open(browser, base);
  const links = async (path, selector) => {
    await page.goto(address(base, path, { lang: "de" }));
    return page.locator(selector).evaluateAll((found) => found.map((link) => new URL(link.href).pathname));
  };
  const sites = [...new Set(await links("/", 'nav a[href^="/site/"]'))];
  const reports = (await links("/reports", 'a[href$=".html"]')).slice(0, 4);
  await context.close();
  return { sites, reports };
}

async function main() {
  const folder = process.env.WATTWACHT_PAGES;
  if (!process.env.WATTWACHT_URL && !folder) {
    console.log("set WATTWACHT_URL to a running collector, or WATTWACHT_PAGES to drawn pages");
    process.exit(2);
  }
  await mkdir(shots, { recursive: true });
  const server = process.env.WATTWACHT_URL ? null : await serve(folder);
  const base = process.env.WATTWACHT_URL ?? server.url;
  const browser = await launch();
  try {
    const { sites, reports } = await discover(browser, base);
    await check("the overview links at least one site", async () => demand(sites.length > 0, "no site in the navigation"));
    const pages = ["/", ...sites, "/reports", ...sites.slice(0, 1).map((site) => `${site}/quality`)];
    for (const path of pages) {
      for (const language of ["de", "en"]) {
        for (const theme of ["light", "dark"]) {
          for (const width of [320, 1280]) await look(browser, base, path, { language, theme, width });
        }
      }
    }
    for (const path of ["/", ...sites]) {
      await withoutScript(browser, base, path);
      await anotherZone(browser, base, path);
      await growsStale(browser, base, path);
      await live(browser, base, path);
      await keyboard(browser, base, path);
      await adapted(browser, base, path);
    }
    for (const path of reports) {
      for (const width of [320, 1280]) await document_(browser, base, path, width);
    }
  } finally {
    await browser.close();
    server?.close();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
