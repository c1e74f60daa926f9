// Loads the page again when something new has arrived, but never under somebody's typing.
"use strict";
(() => {
  let last = Number(document.body.dataset.last);
  const typing = () =>
    [...document.querySelectorAll("input[name=text]")].some((field) => field.value !== field.defaultValue) ||
    document.activeElement.matches("input, select") || document.querySelector("details[open]") !== null;
  const look = async () => {
    try {
      const reply = await fetch(`/messages.json?since=${last}`);
      const fresh = await reply.json();
      if (fresh.length && !typing()) { location.reload(); return; }
      if (fresh.length) {
        document.getElementById("news").textContent =
          `${fresh.length} new: they are shown when you have finished here.`;
      }
    } catch { /* the outbox is being restarted; it will be back */ }
    setTimeout(look, 1500);
  };
  setTimeout(look, 1500);
})();
