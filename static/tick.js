// The clock of static/sound.js.
setInterval(() => postMessage("tick"), 5000);
