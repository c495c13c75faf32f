// The line with how many dossiers have changed is not asked for while nobody sees it.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "depuis" && document.hidden) event.preventDefault();
});
// The session has ended, or what the page follows is gone (a request taken back, a search that is no
// longer kept): the page says so, at once only where nobody types.
document.addEventListener("htmx:responseError", ({ target, detail }) => {
  if (![403, 404].includes(detail.xhr.status)) return;
  if (target.id === "suivi") location.reload();
  else target.innerHTML = 'Cette page n’est plus à jour : <a class="fr-link" href="">recharger</a>';
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
