// The coordinators' pages: keys for the board and the count in the title. Everything can be done without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const plainTitle = document.title;

  const rows = () => Array.from(document.querySelectorAll("[data-rows] [data-href]"));
  const here = () => document.querySelector("[data-rows] .is-here");

  const stand = (on) => {
    rows().forEach((row) => row.classList.toggle("is-here", row === on));
    const link = on.querySelector("a[href]");
    if (link) link.focus({ preventScroll: true });
    on.scrollIntoView({ block: "nearest" });
  };

  // Past the last row is the next page, before the first the one before it: a long list is walked in one go.
  const go = (step) => {
    const all = rows();
    const at = all.indexOf(here());
    const turn = document.querySelector(`.pages a[rel="${step > 0 ? "next" : "prev"}"]`);
    if (turn && at >= 0 && !all[at + step]) window.location.assign(`${turn.href}#${step > 0 ? "top" : "end"}`);
    else if (all.length) stand(all[Math.min(Math.max(at + step, 0), all.length - 1)]);
  };

  const arrive = () => {
    const all = rows();
    if (all.length && window.location.hash === "#top") stand(all[0]);
    if (all.length && window.location.hash === "#end") stand(all[all.length - 1]);
  };

  // On a list a key acts on the row one stands on and on nothing else: it must never take a neighbour's tip.
  const press = (key) => {
    const place = rows().length ? here() : document;
    const control = place && place.querySelector(`[data-key="${key}"]`);
    if (control) control.click();
    return Boolean(control);
  };

  const help = () => {
    const dialog = document.getElementById("keys");
    if (!dialog) return;
    if (dialog.open) dialog.close();
    else dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // Single keys can be switched off (WCAG 2.1.4): a dictated word must not take a tip.
    if (root.dataset.keys === "off") return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "?") help();
    else if (event.key === "Enter" && here() && event.target === document.body) window.location.assign(here().dataset.href);
    else if (/^[a-z/]$/.test(event.key) && press(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest && event.target.closest("[data-keys-toggle]");
    if (!toggle) return;
    root.dataset.keys = root.dataset.keys === "off" ? "on" : "off";
    toggle.setAttribute("aria-pressed", String(root.dataset.keys !== "off"));
  });

  // Waiting tips stay in sight in a background tab: "(3) Board".
  const count = () => {
    const place = document.querySelector("[data-title-count]");
    const waiting = place ? Number(place.dataset.titleCount) : 0;
    // A covered page is called Locked (lock.js), whatever comes in behind the cover.
    if (!document.querySelector("#cover[open]")) document.title = waiting > 0 ? `(${waiting}) ${plainTitle}` : plainTitle;
    // Said aloud once for each change: what is swapped in is not read by itself.
    const said = document.querySelector("[data-said]");
    if (!said || said.dataset.count === String(waiting)) return;
    said.dataset.count = String(waiting);
    said.textContent = waiting > 1 ? `${said.dataset.many} ${waiting}` : waiting === 1 ? said.dataset.one : "";
  };
  // After a live swap the row one stood on is a new element: find it again by its address.
  let stoodOn = "";
  document.addEventListener("htmx:beforeSwap", () => { stoodOn = here() ? here().dataset.href : ""; });
  document.addEventListener("htmx:afterSettle", () => {
    rows().forEach((row) => row.classList.toggle("is-here", Boolean(stoodOn) && row.dataset.href === stoodOn));
    count();
  });
  count();
  arrive();
})();
