// Beside the box for an answer: says while typing which words of the tip it repeats, and puts ready answers in.
// Without it the server says the same after sending, and ready answers are copied by hand.
(() => {
  "use strict";
  const place = document.querySelector("[data-hints]");
  const box = place && place.querySelector("textarea");
  if (!box) return;
  const hints = place.dataset.hints.split("\n").filter(Boolean);
  const said = document.createElement("p");
  said.className = "error";
  said.setAttribute("role", "status");
  said.hidden = true;
  place.append(said);

  const words = (text) => new Set(text.toLocaleLowerCase().match(/\d[\d:.,/-]*\d|\d|[\p{L}][\p{L}\p{M}\d_'’-]*/gu) || []);
  const look = () => {
    const typed = words(box.value);
    const found = hints.filter((hint) => typed.has(hint.toLocaleLowerCase()));
    said.hidden = !found.length;
    said.textContent = found.length ? `${place.dataset.hintText} ${found.join(", ")}` : "";
  };
  box.addEventListener("input", look);
  look();

  document.querySelectorAll("[data-insert]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const ready = button.closest("li").querySelector("[data-ready]").textContent;
      const before = box.value.slice(0, box.selectionStart);
      box.setRangeText((before && !/\s$/.test(before) ? "\n" : "") + ready, box.selectionStart, box.selectionEnd, "end");
      box.focus();
      look();
    });
  });
})();
