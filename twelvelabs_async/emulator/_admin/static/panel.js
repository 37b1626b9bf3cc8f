// Shows the JSON of `overview` and refreshes it every second. All strings are inserted as text nodes, never as markup.

const REFRESH_INTERVAL_MS = 1000;
const CONFIRM_TIMEOUT_MS = 4000;
const SVG = "http://www.w3.org/2000/svg";
const GOOD = new Set(["ready", "completed"]);
const BAD = new Set(["failed", "expired", "canceled"]);
const shown = new Map();

const find = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svgElement(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Redraw the element with this id if its content has changed. */
function show(id, content, draw) {
  const text = JSON.stringify(content);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const container = find(id);
  const scroll = container.firstElementChild?.scrollTop ?? 0;
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...[draw(content)].flat());
  if (scroll) container.firstElementChild.scrollTop = scroll;
  if (focused) [...container.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
}

/** A button that keeps the focus when its container is redrawn; its key is unique there. */
function keyed(kind, key, onClick, ...children) {
  const button = element("button", { type: "button", class: kind, "data-key": key }, ...children);
  button.addEventListener("click", onClick);
  return button;
}

function value(content) {
  if (content === null || content === "") return "-";
  return typeof content === "object" ? element("pre", { class: "mono" }, JSON.stringify(content, null, 2)) : String(content);
}

/** Show all fields of an object in the dialog. */
function openDetails(name, fields) {
  find("h-details").textContent = name;
  const entries = Object.entries(fields).flatMap(([key, content]) =>
    [element("dt", {}, key), element("dd", {}, value(content))]);
  find("fields").replaceChildren(element("dl", { class: "fields" }, ...entries));
  if (!find("details").open) find("details").showModal();
}

async function openAsset(asset) {
  const response = await fetch(`details/${asset.id}`, { cache: "no-store" });
  openDetails(asset.name, response.ok ? await response.json() : { problem: "The asset has been deleted." });
}

const openRequest = (one) =>
  openDetails(`${one.method} ${one.path}`, { ...one, time: new Date(one.time * 1000).toISOString() });

function command(text) {
  const copy = element("button", { type: "button" }, "Copy");
  const code = element("pre", { class: "mono" }, text);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // the browser refuses access to the clipboard
    }
  });
  return element("div", { class: "command" }, code, copy);
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
    indexes: "Indexes", assets: "Assets", work: "In progress", requests: "Requests", refused: "Rate limited", faults: "Faults",
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
  if (!jobs.length) return empty("No tasks yet.");
  return rows(jobs.map((job) => element("div", { class: "job" },
    element("span", { class: "kind note" }, job.kind), title(job.name), steps(job), pill(job.status))));
}

const GLYPHS = {
  video: "M9 7.5v9l7.5-4.5z",
  audio: "M5 10v4m3.5-6.5v9M12 5v14m3.5-10.500v7M19 10v4",
  image: "M4 17l5-6 4 4.500 2.500-2.500L20 17M15.500 8.500h.01",
  document: "M7 4h7l4 4v12H7zM10 12h5m-5 3.500h5",
};

/** A drawing for files without one, always the same for the same content. */
function placeholder(asset) {
  const hue = asset.shade % 360;
  const from = `hsl(${hue} 30% 42%)`;
  const to = `hsl(${(hue + 40) % 360} 34% 27%)`;
  const id = `shade-${asset.id}`;
  const gradient = svgElement("linearGradient", { id, x1: 0, y1: 0, x2: 1, y2: 1 },
    svgElement("stop", { offset: 0, "stop-color": from }), svgElement("stop", { offset: 1, "stop-color": to }));
  const solid = asset.kind === "video";
  const glyph = svgElement("path", {
    d: GLYPHS[asset.kind] ?? GLYPHS.document, transform: "translate(68 33)", opacity: 0.85,
    fill: solid ? "#fff" : "none", stroke: solid ? "none" : "#fff", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round",
  });
  return svgElement("svg", { viewBox: "0 0 160 90", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" },
    svgElement("defs", {}, gradient), svgElement("rect", { width: 160, height: 90, fill: `url(#${id})` }), glyph);
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
  const details = [bytes(asset.size), asset.scenes && plural(asset.scenes, "scene")].filter(Boolean).join(" · ");
  const state = asset.status === "ready" ? [] : [pill(asset.status, "end")];
  return element("li", {}, keyed("tile", asset.id, () => openAsset(asset),
    picture, element("div", { class: "title", title: asset.name }, asset.name),
    line(note(details), ...state), ...(asset.problem ? [note(asset.problem)] : [])));
}

function assets({ items, total, base }) {
  if (!total) {
    const video = JSON.stringify({ index: "films", filename: "boat.mp4", scenes: [[0, 5, "a boat at sunset"]] });
    return [
      empty("Nothing has been uploaded yet. Point a client here with ",
        element("code", {}, `TWELVELABS_BASE_URL=${base}`), ", or add a video without a file and without a key:"),
      command(`curl -X POST ${location.origin}${location.pathname}videos -d '${video}'`),
    ];
  }
  const more = total > items.length ? [empty(`and ${plural(total - items.length, "older one")}`)] : [];
  return [element("ul", { class: "tiles" }, ...items.map(tile)), ...more];
}

function indexes(items) {
  if (!items.length) return empty("No indexes.");
  return rows(items.map((index) => [
    line(title(index.name), end("note", plural(index.videos, "video"))),
    note(index.models),
  ]).map((parts) => element("div", {}, ...parts)));
}

function limits(windows) {
  if (!windows.length) return empty("No usage, or no limits.");
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
  if (!items.length) return empty("No faults.");
  const remove = keyed("", "remove", () => send("DELETE", "faults"), "Remove all");
  return [rows(items.map((fault) => element("div", {},
    line(title(fault.operation), end(fault.pending ? "pill busy" : "pill good", fault.count)),
    note(fault.words)))), element("p", { class: "empty" }, remove)];
}

function status(code) {
  if (!code) return element("span", { class: "pill bad" }, "closed");
  return element("span", { class: `pill ${code < 400 ? "good" : code === 429 ? "busy" : "bad"}` }, String(code));
}

function requests(items) {
  if (!items.length) return empty("No requests yet.");
  const heads = [["when", "Time"], ["", "Method"], ["path", "Path"], ["number size", "Body"], ["number", "Status"]];
  const head = element("tr", {}, ...heads.map(([kind, name]) => element("th", { class: kind, scope: "col" }, name)));
  const body = items.map((one) => element("tr", {},
    element("td", { class: "soft when" }, hour(one.time)),
    element("td", { class: "mono" }, one.method),
    element("td", { class: "path mono", title: one.path },
      keyed("path", `${one.time} ${one.method} ${one.path}`, () => openRequest(one), one.path)),
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

function setConnectionState(state, label, trouble = "") {
  find("live").className = `live ${state}`;
  if (find("live").textContent !== label) find("live").textContent = label;
  find("trouble").hidden = !trouble;
  find("trouble").textContent = trouble;
}

async function refresh() {
  try {
    const response = await fetch("overview", { cache: "no-store" });
    if (!response.ok) throw new Error(`${response.status}`);
    draw(await response.json());
    setConnectionState("on", "live");
  } catch (error) {
    console.warn(error);
    setConnectionState("off", "offline", "The emulator does not respond. This page shows its last known state.");
  }
}

async function send(method, path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  await refresh();
  return response;
}

const post = (path, body) => send("POST", path, body);

const FAILURES = {
  "status 503": { status: 503 },
  "status 500": { status: 500 },
  "status 429, free in 5 s": { status: 429, headers: { "Retry-After": "5" } },
  "status 401": { status: 401 },
  "connection reset before processing": { reset: "before" },
  "connection reset after processing": { reset: "after" },
  "no response": { stall: "before" },
  "response 5 s later": { delay: 5 },
  "truncated response": { truncate: true },
  "web page of a proxy": { html: true },
  "processing that fails later": { processing_error: "The codec is unknown." },
};
find("failure").append(...Object.keys(FAILURES).map((name) => element("option", {}, name)));

find("fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  const fault = { operation: find("operation").value.trim(), times: Number(find("times").value), ...FAILURES[find("failure").value] };
  const response = await post("faults", fault);
  find("refused").textContent = response.ok ? "" : (await response.json()).error;
  if (response.ok) find("operation").value = "";
});

async function listOperations() {
  const response = await fetch("operations");
  if (response.ok) find("operations").append(...(await response.json()).map((name) => element("option", { value: name })));
}

find("close").addEventListener("click", () => find("details").close());
find("details").addEventListener("click", ({ target, currentTarget }) => target === currentTarget && currentTarget.close());

find("advance").addEventListener("submit", (event) => {
  event.preventDefault();
  post("clock/advance", { seconds: Number(find("seconds").value) });
});

find("reset").addEventListener("click", ({ currentTarget: button }) => {
  if (button.classList.contains("confirming")) {
    post("reset");
    endConfirmation(button);
    return;
  }
  button.classList.add("confirming");
  button.textContent = "Really reset?";
  setTimeout(endConfirmation, CONFIRM_TIMEOUT_MS, button);
});

function endConfirmation(button) {
  button.classList.remove("confirming");
  button.textContent = "Reset";
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, REFRESH_INTERVAL_MS);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
listOperations();
poll();
