// Plays each result from its start to its end, one at a time, and moves between results by keys.
const cards = [...document.querySelectorAll(".hit")];
const HLS = "application/vnd.apple.mpegurl";
const MARGIN = 0.5;

/** Show a button in place of the controls until the first play, so that they do not cover the frame. */
function addButton(video) {
  const button = document.createElement("button");
  button.className = "play";
  button.type = "button";
  button.setAttribute("aria-label", `Play ${video.closest(".hit").getAttribute("aria-label")}`);
  button.addEventListener("click", () => video.play().catch(() => {}));
  video.controls = false;
  video.addEventListener("play", () => {
    const focused = document.activeElement === button;
    video.controls = true;
    button.remove();
    if (focused) video.focus();
  }, { once: true });
  video.after(button);
}

function prepare(video) {
  addButton(video);
  const start = Number(video.dataset.start);
  const end = Number(video.dataset.end);
  let outside = false; // the user has moved to another part of the video
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
    if (!outside && (video.currentTime < start - MARGIN || video.currentTime >= end - 0.05)) video.currentTime = start;
  });
  video.addEventListener("seeking", () => {
    outside = video.currentTime < start - MARGIN || video.currentTime > end + MARGIN;
  });
  video.addEventListener("timeupdate", () => {
    if (!outside && video.currentTime >= end) video.pause();
  });
}

function playStream(media) {
  const video = document.createElement("video");
  if (!video.canPlayType(HLS)) return;
  const image = media.querySelector("img");
  const { stream, start, end } = media.dataset;
  const link = media.querySelector("a");
  Object.assign(video, { controls: true, playsInline: true, preload: "none", src: `${stream}#t=${start},${end}` });
  if (image) video.poster = image.src;
  Object.assign(video.dataset, { start, end });
  video.addEventListener("error", () => video.replaceWith(link));
  link.replaceWith(video);
}

function toggle(card) {
  const video = card.querySelector("video");
  if (!video) card.querySelector("a")?.click();
  else if (video.paused) video.play().catch(() => {});
  else video.pause();
}

function move(card, steps) {
  const next = cards[Math.min(cards.length - 1, Math.max(0, cards.indexOf(card) + steps))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const card = event.target.closest?.(".hit") ?? null;
  if (event.key === "Escape") {
    for (const video of document.querySelectorAll("video")) video.pause();
    card?.focus();
    return;
  }
  if (card !== null && event.target !== card) return; // the controls of the video have keys of their own
  const actions = {
    ArrowRight: () => move(card, 1), ArrowLeft: () => move(card, card === null ? 0 : -1),
    Enter: () => card && toggle(card), " ": () => card && toggle(card),
  };
  if (!(event.key in actions) || (card === null && !event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  actions[event.key]();
}

for (const media of document.querySelectorAll(".media[data-stream]")) if (!media.querySelector("video")) playStream(media);
for (const video of document.querySelectorAll("video")) prepare(video);
document.addEventListener("keydown", onKey);
document.documentElement.classList.add("scripted");
