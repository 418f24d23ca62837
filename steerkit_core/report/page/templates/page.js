"use strict";
// The only thing that needs a script: which texts are shown. Without it all of them are.
for (const form of document.querySelectorAll("form.filter")) {
  const cells = [...document.getElementById(form.dataset.for).querySelectorAll("details.texts")];
  const rows = cells.map((cell) => [...cell.querySelectorAll(".sample")]);
  const texts = rows.map((own) => own.map((row) => row.textContent.toLowerCase()));
  const apply = () => {
    const asked = Object.fromEntries(new FormData(form));
    const words = (asked.text || "").trim().toLowerCase();
    const filtered = Object.values(asked).some((value) => value.trim());
    let shown = 0;
    let total = 0;
    cells.forEach((cell, place) => {
      const fits = ["cell", "layer", "multiplier", "role"].every((key) => !asked[key] || cell.dataset[key] === asked[key]);
      let here = 0;
      rows[place].forEach((row, number) => {
        const seen =
          fits && (!asked.label || row.dataset.label === asked.label) && (!words || texts[place][number].includes(words));
        row.hidden = !seen;
        here += seen;
      });
      total += rows[place].length;
      shown += here;
      cell.hidden = !here;
      cell.open = filtered ? here > 0 : "open" in cell.dataset;
    });
    form.querySelector("output").textContent = `${shown} of ${total}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
// a browser that cannot open details for print by its style sheet
let opened = [];
addEventListener("beforeprint", () => {
  // of the texts those are printed that are open, see the style sheet
  opened = [...document.querySelectorAll("details:not([open], .texts)")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
  opened = [];
});
