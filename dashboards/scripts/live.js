// Keeps the numbers of a page fresh and says when they are not. The page is whole without it.
//
// Age is counted from the server's clock in the last message plus this browser's steady clock since then; the browser's
// wall clock and its zone are never asked.

const language = document.documentElement.lang;
const words = document.getElementById("words").dataset;
const sections = [...document.querySelectorAll("[data-site]")];
const loaded = performance.now();

const decimals = {
  kw: (value) => (Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0),
  ratio: () => 2,
  celsius: () => 1,
};

/** A number as the server writes it: half away from zero, U+2212 as minus. */
function numberText(value, places) {
  const format = new Intl.NumberFormat(language, { minimumFractionDigits: places, maximumFractionDigits: places });
  return format.format(value).replace("-", "\u2212");
}

/** A time of day in the site's zone. */
function timeText(millis, zone) {
  const format = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return [format.format(millis), words.clock].filter(Boolean).join(" ");
}

/** The live value behind a tile, in the unit shown: {value, at, every_ms}. */
function liveOf(message, key) {
  const field = message[key];
  if (!field) return null;
  const live = field.live ?? field;
  const scale = key.startsWith("power_") ? 0.001 : 1;
  return { ...live, value: live.value === null ? null : live.value * scale };
}

class Site {
  constructor(section) {
    this.section = section;
    this.zone = section.dataset.zone;
    this.server = Number(section.dataset.server);
    this.interval = Number(section.dataset.interval);
    this.heard = loaded;
    this.tiles = [...section.querySelectorAll("[data-live]")];
    this.source = null;
    const site = section.dataset.site;
    this.finding = document.querySelector(`[data-finding="${site}"]`);
    this.state = document.querySelector(`[data-state-of="${site}"]`);
    this.chip = this.state?.firstElementChild ?? null;
  }

  /** The server's clock now. */
  now() {
    return this.server + (performance.now() - this.heard);
  }

  isStale() {
    return performance.now() - this.heard > 3 * this.interval;
  }

  open() {
    if (this.source) return;
    this.source = new EventSource(`/api/v1/live?site=${encodeURIComponent(this.section.dataset.site)}`);
    this.source.addEventListener("message", (event) => this.take(event.data));
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  take(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // Half a message is no message: the page grows stale and says so.
    }
    if (!Number.isFinite(message.server_time)) return;
    this.server = message.server_time;
    this.interval = message.interval_ms;
    this.heard = performance.now();
    for (const tile of this.tiles) this.fill(tile, liveOf(message, tile.dataset.live));
    this.say(message);
    const alarms = (message.alarms ?? []).map((alarm) => alarm.id).join(" ");
    if (alarms !== this.section.dataset.alarms) {
      this.section.dataset.alarms = alarms;
      sayAlarms();
    }
  }

  fill(tile, live) {
    if (!live) return;
    tile.dataset.at = live.at ?? "";
    tile.dataset.value = live.value ?? "";
    const every = Math.max(live.every_ms, this.interval);
    tile.dataset.staleMs = String(3 * every);
    tile.dataset.goneMs = String(30 * every);
    this.show(tile);
  }

  /** The sentence above, with the numbers of the tiles. */
  say(message) {
    if (!this.finding) return;
    const { full, power, unknown } = this.finding.dataset;
    const total = liveOf(message, "power_total");
    const pue = message.pue_now?.live?.value ?? null;
    const fresh = total?.value != null && this.now() - total.at <= 3 * Math.max(total.every_ms, this.interval);
    const template = !fresh ? unknown : pue === null ? power : full;
    const kilowatts = fresh ? `${numberText(total.value, decimals.kw(total.value))}\u202fkW` : "";
    const ratio = pue === null ? "" : numberText(pue, 2);
    setText(this.finding, template.replace("{power}", kilowatts).replace("{pue}", ratio));
  }

  /** No state is called in order while nothing is heard; the server's word comes back with its messages. */
  mark(stale) {
    if (!this.chip) return;
    if (!stale) {
      if (this.state.firstElementChild !== this.chip) this.state.replaceChildren(this.chip);
      return;
    }
    if (this.state.firstElementChild !== this.chip) return;
    const chip = document.createElement("span");
    chip.className = "chip stale";
    chip.append(banner.querySelector("svg").cloneNode(true), words.stateStale);
    this.state.replaceChildren(chip);
    if (this.finding) setText(this.finding, this.finding.dataset.unknown);
  }

  /** Value, time and age of a tile; an old value is marked, a very old one is no value any more. */
  show(tile) {
    const { at, value, kind } = tile.dataset;
    if (value === undefined && tile.dataset.age === "gone") return;
    const age = at ? this.now() - Number(at) : Infinity;
    const gone = value === "" || age > Number(tile.dataset.goneMs);
    const state = gone ? "gone" : age > Number(tile.dataset.staleMs) ? "stale" : "fresh";
    tile.dataset.age = state;
    const number = tile.querySelector(".number");
    if (gone) setText(number, "\u2013");
    else if (value !== undefined) setText(number, numberText(Number(value), decimals[kind](Number(value))));
    setText(tile.querySelector(".at"), at ? timeText(Number(at), this.zone) : "");
    if (state === "fresh") setText(tile.querySelector(".word"), "");
    else if (at) setText(tile.querySelector(".word"), words.ageStale);
  }

  tick() {
    for (const tile of this.tiles) this.show(tile);
    this.section.classList.toggle("is-stale", this.isStale());
    this.mark(this.isStale());
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const sites = sections.map((section) => new Site(section));
const banner = document.getElementById("stale");
const pause = document.getElementById("pause");
let paused = false;

function sayAlarms() {
  const notice = document.getElementById("alarms-changed");
  setText(notice.querySelector("span"), words.alarms);
  notice.hidden = false;
}

/** The whole page says it if any site's stream is silent for three intervals. */
function checkStale() {
  for (const site of sites) site.tick();
  const silent = sites.filter((site) => site.isStale());
  banner.hidden = silent.length === 0;
  if (silent.length === 0) return;
  const oldest = silent.reduce((a, b) => (a.server < b.server ? a : b));
  setText(banner.querySelector(".said"), words.stale.replace("{at}", timeText(oldest.server, oldest.zone)));
}

/** Streams are open only while somebody looks: a browser has few connections to one server. */
function follow() {
  for (const site of sites) {
    if (paused || document.hidden) site.close();
    else site.open();
  }
}

if (pause && sites.length > 0) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? pause.dataset.resume : pause.dataset.pause);
    follow();
  });
  document.addEventListener("visibilitychange", follow);
  follow();
  setInterval(checkStale, 1000);
}
