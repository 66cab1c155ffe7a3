// What script adds to fields of numbers: the list of what calls can go to opens in a dialog.
"use strict";

// Who has a number is asked while it is typed: the form as it stands, of whose answer the words about it are taken.
for (const input of document.querySelectorAll("input[data-check]")) {
  const told = `#${CSS.escape(input.id)}-told`;
  const asking = {
    "hx-post": input.form.getAttribute("action"),
    "hx-vals": '{"do": "check"}',
    "hx-trigger": "input changed delay:400ms, change",
    "hx-target": told,
    "hx-select": `${told} > *`,
    "hx-sync": "this:replace",
  };
  for (const [name, value] of Object.entries(asking)) input.setAttribute(name, value);
  // This script may come before or after htmx looks at the page.
  htmx.process(input);
}

const fieldOf = (button) => button.id.replace(/-pick$/, "");
const actionOf = (button) => document.getElementById(`${fieldOf(button)}-action`);
const picker = document.getElementById("picker");
let opener = null;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.pick");
  if (!button || !picker.showModal) return;
  event.preventDefault();
  opener = button;
  const action = actionOf(button);
  const voicemail = action !== null && action.value === "forward_to_voicemail";
  const query = new URLSearchParams({
    wanted: voicemail ? "extension" : button.dataset.wanted || "",
    many: button.dataset.many || "",
  });
  const list = await fetched(`${picker.dataset.address}?${query}`);
  if (list === null) {
    // Then as without script: the page that follows says what is wrong.
    button.classList.remove("pick");
    return button.click();
  }
  const page = new DOMParser().parseFromString(list, "text/html");
  picker.replaceChildren(...page.body.children);
  htmx.process(picker);
  picker.showModal();
});

async function fetched(address) {
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    return answer.ok && !answer.headers.has("HX-Redirect") ? await answer.text() : null;
  } catch {
    return null;
  }
}

function choose() {
  const chosen = [...picker.querySelectorAll("input[name=picked]:checked")].map((each) => each.value);
  if (chosen.length === 0) return;
  picker.close();
  const field = document.getElementById(opener.dataset.into || fieldOf(opener));
  const action = actionOf(opener);
  if (action !== null && !action.value.startsWith("forward_")) action.value = "forward_to_number";
  field.value = chosen.join(" ");
  field.dispatchEvent(new Event("change", { bubbles: true }));
  if (opener.dataset.many) document.getElementById(`${fieldOf(opener)}-add`).click();
  field.focus();
}

if (picker) {
  picker.addEventListener("submit", (event) => {
    event.preventDefault();
    choose();
  });
  picker.addEventListener("click", (event) => {
    if (event.target.closest("button[value=cancel]")) picker.close();
  });
  picker.addEventListener("dblclick", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row) return;
    row.querySelector("input").checked = true;
    choose();
  });
}
