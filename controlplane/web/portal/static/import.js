// What script adds to the page of files, which works without it.
"use strict";

const form = document.getElementById("import-form");
const outcome = () => document.getElementById("outcome");

// Another file has to be looked over again; one that is too large need not be sent.
form.addEventListener("change", () => {
  outcome().replaceChildren();
  const field = document.getElementById("file");
  const [file] = field.files;
  field.setCustomValidity(file && file.size > Number(field.dataset.most) ? field.dataset.tooLarge : "");
  field.reportValidity();
});

// An answer that is an error is a page, of which the words are shown here.
document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  outcome().replaceChildren(...page.querySelectorAll("main > h1, main > p"));
});
