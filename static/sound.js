// Rings when a page waits for somebody, also while this tab is in the background. The tone is made here, nothing is loaded.
// A browser plays only after somebody pressed something: the button says whether it would.
(() => {
  "use strict";
  const button = document.querySelector("[data-sound]");
  if (!button || !window.AudioContext) return;
  const AGAIN = 30000;
  let context = null;
  let wasArmed = false;
  let wanted = false; // until somebody presses the button; nothing is kept in the browser
  let lastRung = 0;

  const armed = () => wanted && context !== null && context.state === "running";

  const say = () => {
    button.textContent = !wanted ? button.dataset.off : armed() ? button.dataset.on : button.dataset.asleep;
    button.setAttribute("aria-pressed", String(wanted));
  };
  const arm = async () => {
    if (!wanted) return;
    context = context || new AudioContext();
    // Without a press before, a browser never answers this: the next press comes here again.
    await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 300))]);
    say();
  };
  const tone = (pitch, at, long) => {
    const source = context.createOscillator();
    const loud = context.createGain();
    source.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, at);
    loud.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, at + long);
    source.connect(loud).connect(context.destination);
    source.start(at);
    source.stop(at + long);
  };
  const ring = (pitches) => {
    if (!armed()) return;
    pitches.forEach((pitch, place) => tone(pitch, context.currentTime + place * 0.25, 0.22));
    // For whoever wants to know whether it rang, a test among them.
    button.dataset.rung = String(Number(button.dataset.rung || 0) + 1);
  };

  const counts = () => {
    const place = document.querySelector("[data-title-count]");
    return place ? [Number(place.dataset.titleCount), Number(place.dataset.unread || 0)] : [0, 0];
  };
  let [pages, unread] = [0, counts()[1]];
  const look = () => {
    const [now, messages] = counts();
    if (now > pages || (now > 0 && Date.now() - lastRung > AGAIN)) {
      ring([880, 660, 880, 660]);
      lastRung = Date.now();
    } else if (messages > unread) ring([520]);
    [pages, unread] = [now, messages];
  };

  button.hidden = false;
  button.addEventListener("click", async () => {
    // The press that woke the sound did what it should: it does not switch it off as well.
    if (!wanted || wasArmed) wanted = !wanted;
    await arm();
    if (!wanted && context) await context.suspend();
    say();
    if (armed()) ring([660]);
    lastRung = 0;
  });
  ["pointerdown", "keydown"].forEach((press) => document.addEventListener(press, () => { wasArmed = armed(); if (!wasArmed) arm(); }, true));
  document.addEventListener("htmx:afterSettle", look);
  // Not armed before the first press: a browser would refuse, and complain of it.
  look();
  say();

  // A browser slows the clock of a tab nobody looks at, and not that of a worker.
  const clock = new Worker(button.dataset.clock);
  clock.addEventListener("message", () => {
    const rows = document.getElementById("rows");
    if (document.hidden && rows && window.htmx) window.htmx.trigger(rows, "tick");
  });
})();
