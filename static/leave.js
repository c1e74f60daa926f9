// Leaving without a trace that this page could avoid. Every part works without it: the link is an ordinary link.
(() => {
  "use strict";
  const way = document.querySelector("[data-leave]");
  if (!way) return;

  // What was typed, and what may be read only once, goes before the page does: a page kept in memory for the Back
  // button must not bring it back.
  const wipe = () => {
    document.querySelectorAll("textarea, input[name=visit], input:not([type=hidden], [type=radio], [type=checkbox])")
      .forEach((field) => { field.value = ""; });
    document.querySelectorAll("input[type=radio], input[type=checkbox]").forEach((box) => { box.checked = false; });
    document.querySelectorAll("[data-secret]").forEach((place) => { place.textContent = ""; });
    document.querySelectorAll("details[open]").forEach((fold) => { fold.open = false; });
  };

  // replace() puts the neutral page where this one stood in the history, so that Back does not come here. Pages further
  // back are forms that Back sends once more: the server is told that they were left, and shows nothing of them.
  const leave = () => {
    if (way.form) {
      fetch(way.form.action, { method: "POST", body: new URLSearchParams(new FormData(way.form)), keepalive: true })
        .catch(() => {});
    }
    wipe();
    window.location.replace(way.href || way.dataset.leave);
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("[data-leave]")) {
      event.preventDefault();
      leave();
    }
  });

  let presses = [];
  let leaving = false;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") {
      presses = [];
      return;
    }
    presses = presses.filter((at) => event.timeStamp - at < 2000).concat(event.timeStamp);
    if (presses.length >= 3) {
      leaving = true;
      presses = [];
      leave();
    }
    // A press more must neither stop the way out (Escape stops loading in some browsers) nor begin it again, which
    // would break off what has begun. Three more begin it again, should the first have failed.
    if (leaving) event.preventDefault();
  });

  document.querySelectorAll("[data-needs-script]").forEach((hint) => { hint.hidden = false; });
  window.addEventListener("pagehide", wipe);
})();
