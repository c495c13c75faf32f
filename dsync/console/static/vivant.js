// Parts of pages that follow what happens (`hx-get` of the page itself): they are asked for only
// while the page is visible, and not replaced under the hands of whoever chooses something there.
const isBusy = (part) =>
  document.hidden || part.contains(document.activeElement) || part.querySelector("input:checked");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "vivant" && isBusy(event.target)) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "vivant") return;
  if (isBusy(event.target)) event.detail.shouldSwap = false;
  const open = [...document.querySelectorAll("details[id][open]")].map((one) => one.id);
  document.addEventListener(
    "htmx:afterSettle",
    () => open.forEach((id) => document.getElementById(id)?.setAttribute("open", "")),
    { once: true },
  );
});
// The session has ended: the page says so.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 403) location.reload();
});
