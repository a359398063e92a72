// What the pages add with JavaScript: GOV.UK Frontend, passkeys, the end of a session, and keeping what is typed.
// Every page works without it.
import { initAll } from "./govuk-frontend-6.3.0.min.js";

const byId = (id) => document.getElementById(id);

// What belongs to one answer is shown when that answer is chosen. GOV.UK Frontend would mark the radio button as
// expanded, which ARIA does not allow on a radio button.
for (const radio of document.querySelectorAll("input[type=radio][data-aria-controls]")) {
  const below = byId(radio.dataset.ariaControls);
  radio.removeAttribute("data-aria-controls");
  const show = () => below.classList.toggle("govuk-radios__conditional--hidden", !radio.checked);
  for (const other of document.getElementsByName(radio.name)) other.addEventListener("change", show);
  show();
}

// The same for what belongs to several answers: it names the values that it is for.
for (const part of document.querySelectorAll("[data-only-for]")) {
  const radios = [...document.getElementsByName(part.dataset.of)];
  const values = part.dataset.onlyFor.split(" ");
  const show = () => { part.hidden = !radios.some((one) => one.checked && values.includes(one.value)); };
  for (const radio of radios) radio.addEventListener("change", show);
  show();
}

document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) document.body.classList.add("govuk-frontend-supported");
initAll();

async function post(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const data = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(data.fault ?? "");
  return data;
}

// Passkeys ------------------------------------------------------------------------------------------------------

const canUsePasskeys = Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);

function passkeyButton(frame, button, optionsPath, sendPath, ask) {
  if (!canUsePasskeys || !byId(frame)) return;
  byId(frame).hidden = false;
  byId(button).addEventListener("click", async () => {
    const fault = byId("passkey-fault");
    fault.textContent = "";
    try {
      const { challenge_id, options } = await post(optionsPath);
      const credential = await ask(options);
      const { next } = await post(sendPath(), { challenge_id, answer: credential.toJSON() });
      location.assign(next);
    } catch (error) {
      fault.textContent = error.name === "Error" && error.message ? error.message
        : "The passkey was not used. Try again, or choose another way.";
    }
  });
}

passkeyButton("passkey", "passkey-use", "/sign-in/passkey/options",
  () => `/sign-in/passkey?next=${encodeURIComponent(byId("passkey").dataset.next)}`,
  (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }));
passkeyButton("passkey-new", "passkey-add", "/account/passkeys/options", () => "/account/passkeys",
  (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));

// Keeping what is typed -------------------------------------------------------------------------------------------

const SECONDS_BEFORE_SAVING = 3;
const kept = document.querySelector("form[data-keep]");
let waiting;
let isSent = false;

function save() {
  clearTimeout(waiting);
  waiting = undefined;
  const data = new FormData(kept);
  const fields = new URLSearchParams();
  for (const [name, value] of data) if (typeof value === "string") fields.append(name, value);
  fields.set("form", kept.dataset.keep);
  return fetch("/drafts", { method: "POST", body: fields, keepalive: true }).catch(() => {});
}

if (kept) {
  kept.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(save, SECONDS_BEFORE_SAVING * 1000);
  });
  kept.addEventListener("submit", () => {
    clearTimeout(waiting);
    isSent = true;
  });
  addEventListener("pagehide", () => { if (waiting && !isSent) save(); });
}

// The end of a session ----------------------------------------------------------------------------------------------

const frame = byId("session");
if (frame) {
  const last = Date.parse(frame.dataset.lastAt);
  const ahead = Date.parse(frame.dataset.endsAt) - Date.parse(frame.dataset.warnedAt);
  let ends = Date.parse(frame.dataset.endsAt);
  setInterval(async () => {
    if (Date.now() >= ends) {
      if (kept && waiting) await save();
      location.assign(`/sign-in?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
    } else if (Date.now() >= ends - ahead && frame.hidden) {
      frame.hidden = false;
      byId("session-stay").focus();
    }
  }, 1000);
  byId("session-stay").addEventListener("click", async () => {
    try {
      const { seconds } = await post("/sign-in/stay");
      ends = Math.min(Date.now() + seconds * 1000, last);
      frame.hidden = true;
    } catch {
      location.assign(`/sign-in?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
    }
  });
}
