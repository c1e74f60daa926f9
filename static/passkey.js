// Passkeys: hands the browser what the server asks, and sends back what it answers. Pages without it say so.
(() => {
  "use strict";
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const refused = form.querySelector("[data-refused]");
  if (!navigator.credentials || !window.PublicKeyCredential) {
    refused.hidden = false;
    return;
  }
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const asked = JSON.parse(form.dataset.options);
  const key = asked.publicKey;
  key.challenge = bytes(key.challenge);
  if (key.user) key.user.id = bytes(key.user.id);
  [...(key.excludeCredentials || []), ...(key.allowCredentials || [])].forEach((each) => { each.id = bytes(each.id); });

  const plain = (made) => {
    const response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach((part) => {
      if (made.response[part]) response[part] = text(made.response[part]);
    });
    return JSON.stringify({
      id: made.id, rawId: text(made.rawId), type: made.type, response,
      authenticatorAttachment: made.authenticatorAttachment,
      clientExtensionResults: made.getClientExtensionResults(),
    });
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refused.hidden = true;
    try {
      form.elements.credential.value = plain(await navigator.credentials[form.dataset.passkey]({ publicKey: key }));
    } catch {
      refused.hidden = false;
      return;
    }
    form.submit();
  });
  // Pressed before this is here, the button would send the form without a passkey.
  form.querySelector("button[type=submit]").disabled = false;
})();
