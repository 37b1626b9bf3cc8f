// Shows what `overview` says, once a second. Nothing from the outside ever becomes markup: all texts are text nodes.

const EVERY = 1000;
const SURE_FOR = 4000;
const SVG = "http://www.w3.org/2000/svg";
const GOOD = new Set(["ready", "completed"]);
const BAD = new Set(["failed", "expired", "canceled"]);
const shown = new Map();

const find = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawn(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Replaces the content of a place, if what it shows has changed. */
function show(id, content, draw) {
  const text = JSON.stringify(content);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const place = find(id);
  const scroll = place.firstElementChild?.scrollTop ?? 0;
  place.replaceChildren(...[draw(content)].flat());
  if (scroll) place.firstElementChild.scrollTop = scroll;
}

const empty = (...words) => element("p", { class: "empty" }, ...words);
const rows = (items) => element("ul", { class: "rows" }, ...items.map((item) => element("li", {}, item)));
const line = (...parts) => element("div", { class: "line" }, ...parts);
const end = (kind, text) => element("span", { class: `${kind} end` }, text);
const title = (text) => element("span", { class: "title", title: text }, text);
const note = (text) => element("div", { class: "note", title: text }, text);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

function pill(status, where = "") {
  const mood = GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : "busy";
  return element("span", { class: `pill ${mood} ${where}` }, status);
}

function bytes(size) {
  if (size < 1024) return `${size} B`;
  const power = Math.min(4, Math.floor(Math.log2(size) / 10));
  return `${(size / 1024 ** power).toFixed(size / 1024 ** power < 10 ? 1 : 0)} ${["B", "KB", "MB", "GB", "TB"][power]}`;
}

function length(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}

function span(seconds) {
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([one]) => seconds >= one) ?? [1, "s"];
  return `${Math.ceil(seconds / size)} ${unit}`;
}

const hour = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);

function figures(counts) {
  const names = {
    indexes: "Indexes", assets: "Assets", work: "At work", requests: "Requests", refused: "Refused", faults: "Faults",
  };
  return Object.entries(names).map(([key, name]) =>
    element("div", key === "refused" && counts[key] ? { class: "bad" } : {},
      element("dt", {}, name), element("dd", {}, counts[key].toLocaleString("en"))));
}

function steps(job) {
  const bad = BAD.has(job.status);
  const marks = Array.from({ length: job.steps }, (_, at) =>
    element("i", { class: at < job.step ? "done" : at === job.step && !bad ? "now" : "" }));
  const mood = bad ? "steps bad" : GOOD.has(job.status) ? "steps over" : "steps";
  return element("span", { class: mood, "aria-hidden": "true" }, ...marks);
}

function work(jobs) {
  if (!jobs.length) return empty("Nothing has been asked for yet that takes its time.");
  return rows(jobs.map((job) => element("div", { class: "job" },
    element("span", { class: "kind note" }, job.kind), title(job.name), steps(job), pill(job.status))));
}

const GLYPHS = {
  video: "M9 7.5v9l7.5-4.5z",
  audio: "M5 10v4m3.5-6.5v9M12 5v14m3.5-10.500v7M19 10v4",
  image: "M4 17l5-6 4 4.500 2.500-2.500L20 17M15.500 8.500h.01",
  document: "M7 4h7l4 4v12H7zM10 12h5m-5 3.500h5",
};

/** A calm picture for files without one, always the same for the same content. */
function placeholder(asset) {
  const hue = asset.shade % 360;
  const from = `hsl(${hue} 30% 42%)`;
  const to = `hsl(${(hue + 40) % 360} 34% 27%)`;
  const id = `shade-${asset.id}`;
  const gradient = drawn("linearGradient", { id, x1: 0, y1: 0, x2: 1, y2: 1 },
    drawn("stop", { offset: 0, "stop-color": from }), drawn("stop", { offset: 1, "stop-color": to }));
  const solid = asset.kind === "video";
  const glyph = drawn("path", {
    d: GLYPHS[asset.kind] ?? GLYPHS.document, transform: "translate(68 33)", opacity: 0.85,
    fill: solid ? "#fff" : "none", stroke: solid ? "none" : "#fff", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round",
  });
  return drawn("svg", { viewBox: "0 0 160 90", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" },
    drawn("defs", {}, gradient), drawn("rect", { width: 160, height: 90, fill: `url(#${id})` }), glyph);
}

function thumbnail(asset) {
  if (!asset.picture) return placeholder(asset);
  const image = element("img", { src: asset.picture, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(placeholder(asset)));
  return image;
}

function tile(asset) {
  const picture = element("div", { class: "picture" }, thumbnail(asset));
  if (asset.duration) picture.append(element("span", { class: "length" }, length(asset.duration)));
  const told = [bytes(asset.size), asset.scenes && plural(asset.scenes, "scene")].filter(Boolean).join(" · ");
  const state = asset.status === "ready" ? [] : [pill(asset.status, "end")];
  return element("li", {}, picture, element("div", { class: "title", title: asset.name }, asset.name),
    line(note(told), ...state), ...(asset.problem ? [note(asset.problem)] : []));
}

function assets({ items, total, base }) {
  if (!total) {
    return empty("Nothing has been uploaded yet. Point a client here with ",
      element("code", {}, `TWELVELABS_BASE_URL=${base}`));
  }
  const more = total > items.length ? [empty(`and ${plural(total - items.length, "older one")}`)] : [];
  return [element("ul", { class: "tiles" }, ...items.map(tile)), ...more];
}

function indexes(items) {
  if (!items.length) return empty("There is no index.");
  return rows(items.map((index) => [
    line(title(index.name), end("note", plural(index.videos, "video"))),
    note(index.models),
  ]).map((parts) => element("div", {}, ...parts)));
}

function limits(windows) {
  if (!windows.length) return empty("Nothing is limited, or nothing has been counted yet.");
  return rows(windows.map((one) => {
    const share = Math.min(1, one.used / one.limit);
    const fill = element("i");
    fill.style.width = `${100 * share}%`;
    const mood = share >= 1 ? "bar full" : share >= 0.8 ? "bar tight" : "bar";
    return element("div", {},
      line(title(one.name), element("span", { class: "note" }, one.resets > 0 ? `free in ${span(one.resets)}` : ""),
        end("note", `${one.used.toLocaleString("en")} of ${one.limit.toLocaleString("en")} ${one.unit}`)),
      element("div", { class: mood, role: "meter", "aria-label": one.name, "aria-valuemin": 0, "aria-valuemax": one.limit, "aria-valuenow": one.used }, ...(one.used ? [fill] : [])));
  }));
}

function faults(items) {
  if (!items.length) return empty("None was asked for.");
  return rows(items.map((fault) => element("div", {},
    line(title(fault.operation), end(fault.pending ? "pill busy" : "pill good", fault.count)),
    note(fault.words))));
}

function status(code) {
  if (!code) return element("span", { class: "pill bad" }, "cut");
  return element("span", { class: `pill ${code < 400 ? "good" : code === 429 ? "busy" : "bad"}` }, String(code));
}

function requests(items) {
  if (!items.length) return empty("None so far.");
  const heads = [["when", "Time"], ["", "Method"], ["path", "Path"], ["number size", "Body"], ["number", "Status"]];
  const head = element("tr", {}, ...heads.map(([kind, name]) => element("th", { class: kind, scope: "col" }, name)));
  const body = items.map((one) => element("tr", {},
    element("td", { class: "soft when" }, hour(one.time)),
    element("td", { class: "mono" }, one.method),
    element("td", { class: "path mono", title: one.path }, one.path),
    element("td", { class: "number soft size" }, one.size ? bytes(one.size) : ""),
    element("td", { class: "number" }, status(one.status))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "h-requests" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function draw(view) {
  find("address").textContent = view.base;
  find("clock").textContent = `${new Date(view.time * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  find("advance").hidden = !view.movable;
  show("figures", view.counts, figures);
  show("work", view.work, work);
  show("assets", { items: view.assets, total: view.counts.assets, base: view.base }, assets);
  show("indexes", view.indexes, indexes);
  show("limits", view.limits, limits);
  show("faults", view.faults, faults);
  show("requests", view.requests, requests);
}

function tell(mood, words, trouble = "") {
  find("live").className = `live ${mood}`;
  if (find("live").textContent !== words) find("live").textContent = words;
  find("trouble").hidden = !trouble;
  find("trouble").textContent = trouble;
}

async function look() {
  try {
    const answer = await fetch("overview", { cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    draw(await answer.json());
    tell("on", "live");
  } catch (error) {
    console.warn(error);
    tell("off", "no answer", "The emulator does not answer. What is shown here was true a moment ago.");
  }
}

async function ask(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  await look();
}

find("advance").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("clock/advance", { seconds: Number(find("seconds").value) });
});

find("reset").addEventListener("click", ({ currentTarget: button }) => {
  if (button.classList.contains("sure")) {
    ask("reset");
    calm(button);
    return;
  }
  button.classList.add("sure");
  button.textContent = "Forget everything?";
  setTimeout(calm, SURE_FOR, button);
});

function calm(button) {
  button.classList.remove("sure");
  button.textContent = "Reset";
}

async function watch() {
  if (!document.hidden) await look();
  setTimeout(watch, EVERY);
}

document.addEventListener("visibilitychange", () => document.hidden || look());
watch();
