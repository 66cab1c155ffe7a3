// What script adds to the page of files, which works without it: another file has to be looked over again.
"use strict";

document.getElementById("import-form").addEventListener("change", () => {
  document.getElementById("outcome").replaceChildren();
});
