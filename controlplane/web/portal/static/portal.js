// What script adds to pages that work without it.
"use strict";

// A text to hand on gets a button that copies it.
for (const field of document.querySelectorAll("input[data-copy]")) {
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button plain";
  button.textContent = field.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    document.getElementById("status").textContent = field.dataset.copied;
    button.textContent = field.dataset.copied;
  });
  field.addEventListener("focus", () => field.select());
  field.after(button);
}

// What asks again and again rests while nobody looks.
document.addEventListener("htmx:beforeRequest", (event) => {
  const asks = event.target.getAttribute("hx-trigger") ?? "";
  if (document.hidden && asks.startsWith("every ")) event.preventDefault();
});
