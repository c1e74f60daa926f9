// How much room is left in a long text. Says nothing until it matters, keeps nothing, sends nothing.
(() => {
  "use strict";
  document.querySelectorAll("[data-room-for]").forEach((place) => {
    const field = document.getElementById(place.dataset.roomFor);
    const limit = Number(place.dataset.limit);
    if (!field || !limit) return;
    const count = () => {
      // The server counts characters, not the pairs that JavaScript makes of an emoji.
      const left = limit - Array.from(field.value).length;
      place.hidden = left > limit / 20;
      place.textContent = (left < 0 ? place.dataset.over : place.dataset.left).replace("{n}", String(Math.abs(left)));
    };
    field.addEventListener("input", count);
    count();
  });
})();
