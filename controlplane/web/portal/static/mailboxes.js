// What script adds to the pages of mailboxes, which work without it.
"use strict";

// A click on a row selects it, a double click opens it.
document.addEventListener("click", (event) => {
  const row = event.target.closest(".mailboxes tbody tr");
  if (!row || event.target.closest("a, input")) return;
  const input = row.querySelector("input");
  input.checked = input.type === "radio" || !input.checked;
});
document.addEventListener("dblclick", (event) => {
  const row = event.target.closest(".mailboxes tbody tr");
  if (row && !event.target.closest("a")) row.querySelector("a.open")?.click();
});

// The address says what the list was searched for, so that it can be loaded again.
document.addEventListener("htmx:afterSwap", (event) => {
  const { pathInfo } = event.detail;
  if (event.detail.target.id === "list") history.replaceState(null, "", pathInfo.finalRequestPath);
  // A field is told to be wrong as long as something is said against it.
  if (event.detail.target.classList.contains("told")) {
    const wrong = event.detail.target.querySelector(".fault") !== null;
    const field = event.detail.target.closest(".field");
    field.classList.toggle("wrong", wrong);
    for (const input of field.querySelectorAll("[aria-describedby]")) {
      if (wrong) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }
});
