const isPaused = () => sessionStorage.getItem("pause") === "1";
// Parts of pages that follow what happens (`hx-get` of the page itself): they are asked for only
// while the page is visible, and not replaced while somebody chooses or copies something there.
const isBusy = (part) =>
  isPaused() ||
  document.hidden ||
  part.contains(document.activeElement) ||
  part.querySelector("input:checked, textarea:not(:placeholder-shown)") ||
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
// The session has ended, or what the page follows is gone (a request taken back, a search that is no
// longer kept): the page says so.
document.addEventListener("htmx:responseError", (event) => {
  if ([403, 404].includes(event.detail.xhr.status)) location.reload();
});

// Pausing holds for all pages of this window until it is closed.
const showPause = () => {
  const button = document.querySelector("button[data-pause]");
  if (!button) return;
  button.parentElement.hidden = !document.getElementById("vivant");
  button.setAttribute("aria-pressed", isPaused());
};
document.addEventListener("DOMContentLoaded", showPause);
document.addEventListener("click", ({ target }) => {
  if (!target.closest("button[data-pause]")) return;
  sessionStorage.setItem("pause", isPaused() ? "0" : "1");
  showPause();
});

// How many boxes are ticked; without scripts, the bar of actions is there all the same.
const showCount = () =>
  document.querySelectorAll("[data-compte]").forEach((said) => {
    const name = said.dataset.compte;
    const count = said.closest("form").querySelectorAll(`input[name="${name}"]:checked`).length;
    said.textContent = `${count} coché${count > 1 ? "s" : ""}`;
  });
document.addEventListener("change", showCount);
document.addEventListener("htmx:afterSettle", showCount);

// Texts to copy: without scripts their buttons stay hidden, and the text can be selected.
const showCopies = () =>
  document.querySelectorAll("button[data-copie]").forEach((button) => (button.hidden = false));
document.addEventListener("DOMContentLoaded", showCopies);
document.addEventListener("htmx:afterSettle", showCopies);
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copie]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copie);
  const said = button.parentElement.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(text.textContent);
    said.textContent = "Copié.";
  } catch {
    // Browsers refuse it to pages without TLS: the text is selected for Ctrl-C.
    getSelection().selectAllChildren(text);
    said.textContent = "Sélectionné : copier avec Ctrl-C.";
  }
});

// Paper has no folds. The style sheet opens them where the browser knows « ::details-content ».
addEventListener("beforeprint", () =>
  document.querySelectorAll("details:not([open])").forEach((fold) => {
    fold.open = true;
    fold.dataset.imprime = "";
  }),
);
addEventListener("afterprint", () =>
  document.querySelectorAll("details[data-imprime]").forEach((fold) => {
    fold.open = false;
    delete fold.dataset.imprime;
  }),
);
