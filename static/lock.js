// Covers an unlocked page when nobody has done anything for a while. Nothing typed is lost, and one goes on where one was.
// Without it the server locks all the same, and asks for the words with the next press.
(() => {
  "use strict";
  // Only told between the tabs of this browser, and kept nowhere.
  const tabs = new BroadcastChannel("tipline-lock");
  const cover = document.getElementById("cover");
  if (document.documentElement.hasAttribute("data-shut")) tabs.postMessage("locked");
  if (!cover) return;

  const form = cover.querySelector("form");
  const words = document.getElementById("cover_words");
  const error = document.getElementById("cover_error");
  const rest = Number(cover.dataset.minutes) * 60000;
  const under = () => Array.from(document.body.children).filter((part) => part !== cover);
  let covered = false;
  let stood = { focus: null, x: 0, y: 0, title: "", dialog: null };
  let last = Date.now();
  let toTabs = 0;
  let toServer = last;

  // Each form carries a token that a new sign-in makes worthless: take the one of now.
  const renew = (answer) => {
    const token = answer.headers.get("X-CSRFToken");
    if (!token) return;
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; });
    if (document.body.hasAttribute("hx-headers")) document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  };
  const ask = async (body) => {
    const answer = await fetch(cover.dataset.cover, { method: body ? "POST" : "GET", body, redirect: "manual", cache: "no-store" });
    renew(answer);
    return answer;
  };

  const hide = () => {
    if (covered) return;
    covered = true;
    const open = document.querySelector("dialog[open]");
    if (open) open.close();
    stood = { focus: document.activeElement, x: scrollX, y: scrollY, title: document.title, dialog: open };
    // Hidden, not only overlaid: not to be searched, printed or read aloud.
    under().forEach((part) => { part.hidden = true; });
    document.title = cover.dataset.title;
    cover.showModal();
    words.focus();
  };
  const show = () => {
    covered = false;
    last = toServer = Date.now();
    form.reset();
    cover.close();
    under().forEach((part) => { part.hidden = false; });
    document.title = stood.title;
    scrollTo(stood.x, stood.y);
    if (stood.dialog) stood.dialog.showModal();
    if (stood.focus) stood.focus.focus({ preventScroll: true });
  };
  const lock = () => {
    hide();
    tabs.postMessage("locked");
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    fetch(cover.dataset.lock, { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => {});
  };

  const look = () => { if (!covered && Date.now() - last >= rest) lock(); };
  const active = () => {
    look();
    if (covered) return;
    last = Date.now();
    if (last - toTabs > 5000) { toTabs = last; tabs.postMessage("here"); }
    if (last - toServer < 30000) return;
    toServer = last;
    // Somebody who types is at work, as the server would not know otherwise; or it has locked meanwhile.
    ask().then((answer) => { if (answer.status !== 204) hide(); }).catch(() => {});
  };

  ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"].forEach((kind) => {
    document.addEventListener(kind, active, { capture: true, passive: true });
  });
  tabs.addEventListener("message", (event) => {
    if (event.data === "locked") hide();
    else if (!covered) last = Date.now();
  });
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
  // A page that Back brought out of memory may be older than the lock.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  cover.addEventListener("cancel", (event) => event.preventDefault());
  cover.addEventListener("close", () => { if (covered) cover.showModal(); });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [over, away] = [form.querySelector("[data-over]"), form.querySelector("[data-away]")];
    error.hidden = over.hidden = away.hidden = true;
    try {
      // Asked first: after another sign-in the token of this form would be an old one.
      if ((await ask()).type === "opaqueredirect") { over.hidden = false; return; }
      const answer = await ask(new FormData(form));
      if (answer.status === 204) { show(); return; }
      if (answer.status === 409) { window.location.reload(); return; }
      error.textContent = answer.status === 422 ? await answer.text() : away.textContent;
      error.hidden = false;
      words.select();
    } catch {
      away.hidden = false;
    }
  });
})();
