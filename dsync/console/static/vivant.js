// Parts of pages that follow what happens (`hx-get` of the page itself): they are asked for only
// while the page is visible, and not replaced while somebody chooses or copies something there.
const isBusy = (part) =>
  document.hidden ||
  part.contains(document.activeElement) ||
  part.querySelector("input:checked") ||
  !getSelection().isCollapsed;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "vivant" && isBusy(event.target)) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "vivant") return;
  if (isBusy(event.target)) event.detail.shouldSwap = false;
  const folds = [...document.querySelectorAll("details[id]")].map(({ id, open }) => [id, open]);
  document.addEventListener(
    "htmx:afterSettle",
    () => folds.forEach(([id, open]) => document.getElementById(id)?.toggleAttribute("open", open)),
    { once: true },
  );
});
// The session has ended, or what the page follows is gone (a request taken back, a trial that is no
// longer kept): the page says so.
document.addEventListener("htmx:responseError", (event) => {
  if ([403, 404].includes(event.detail.xhr.status)) location.reload();
});
