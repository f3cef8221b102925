// Keys, the lease's sign of life, passkeys, and how htmx may make markup. Every page reads and every
// form posts without this file; only a passkey needs it.
"use strict";

// The one policy that may make markup. Answers are pages of this server, escaped there; one that
// holds a script is no answer of ours.
const policy = globalThis.trustedTypes?.createPolicy("halfdoor", {
  createHTML(text) {
    if (/<(script|iframe|object|embed|base|meta|link)\b/i.test(text)) {
      throw new TypeError("an answer holds a script");
    }
    return text;
  },
});
const noCode = () => { throw new TypeError("no code from text"); };
globalThis.htmx?.registerExtension("halfdoor", {
  init(inner) { inner.initSecurity(policy, noCode, noCode); },
});

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
document.documentElement.classList.add("scripted");

function tell(words) {
  const line = document.createElement("p");
  line.className = "refused";
  line.textContent = words;
  byId("news").replaceChildren(line);
}

// Rows of a queue, messages of a case: one of them is where the keys are.
const rows = () => all("[data-row]");
const here = () => rows().find((row) => row.contains(document.activeElement)) ?? document.querySelector("[data-row].here");

function go(step) {
  const list = rows();
  if (!list.length) return;
  const at = list.indexOf(here());
  const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + step, 0), list.length - 1)];
  list.forEach((row) => row.classList.toggle("here", row === next));
  (next.querySelector("a.cover") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const found = all(`[data-key="${key}"]`).find((each) => each.offsetParent !== null);
  found?.click();
  return Boolean(found);
}

function open(id) {
  const dialog = byId(id);
  if (!dialog || dialog.open) return false;
  dialog.showModal();
  if (id === "palette") fill("");
  return true;
}

// What a link is called, without the key that is drawn in it.
function called(link) {
  return [...link.childNodes].filter((each) => each.nodeName !== "KBD").map((each) => each.textContent).join("").trim();
}

function fill(words) {
  const links = [...all("#menu a"), ...all("main a.button, main a.cover, main .crumbs a")];
  const places = new Map(links.map((each) => [each.href, called(each)]));
  const found = [...places].filter(([, name]) => name.toLowerCase().includes(words.toLowerCase()));
  byId("palette-list").replaceChildren(...found.slice(0, 8).map(([href, name]) => {
    const entry = document.createElement("li");
    const link = document.createElement("a");
    link.href = href;
    link.textContent = name;
    entry.append(link);
    return entry;
  }));
}

function choose(number) {
  const choice = document.querySelector(`[data-number="${number}"]`);
  if (!choice) return false;
  choice.focus();
  choice.click();
  return true;
}

const keys = {
  j: () => go(1),
  k: () => go(-1),
  Enter: () => here()?.querySelector("[data-reveal]")?.click(),
  c: () => press("c"),
  d: () => press("d"),
  e: () => press("e"),
  z: () => press("z"),
  "?": () => open("keys"),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("palette");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
  const typing = event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])");
  if (typing) return;
  // Enter on a link or a button is the browser's own.
  if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
  if (/^[1-9]$/.test(event.key) ? choose(event.key) : keys[event.key]) {
    event.preventDefault();
    keys[event.key]?.();
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(opener.dataset.opens);
  const passkey = event.target.closest("[data-passkey]");
  if (passkey) enter(passkey);
});
document.addEventListener("input", (event) => {
  if (event.target.id === "palette-words") fill(event.target.value);
});
document.addEventListener("change", (event) => {
  if (event.target.name === "measure") fit(event.target);
});

// Days only where something lasts, messages only where some are removed; nothing goes with nothing.
function fit(changed) {
  const chosen = all("[name=measure]:checked");
  if (changed?.checked) {
    for (const box of chosen) {
      if (box !== changed && (box.value === "none") !== (changed.value === "none")) box.checked = false;
    }
  }
  for (const part of all("[data-for]")) {
    part.hidden = !all("[name=measure]:checked").some((box) => part.dataset.for.split(" ").includes(box.dataset.kind));
  }
}

// What was revealed takes the place of its button: the keys stay where they were.
let revealed = null;
document.addEventListener("htmx:before:request", (event) => {
  revealed = event.target.closest?.("[data-row]")?.id ?? null;
  byId("news").replaceChildren();
});
document.addEventListener("htmx:finally:request", () => {
  if (revealed) byId(revealed)?.focus();
  revealed = null;
});

// A sign of life each minute, while somebody looks at the page.
const lease = document.querySelector("[data-heartbeat]");
if (lease) {
  setInterval(() => {
    if (document.visibilityState === "visible") lease.dispatchEvent(new Event("beat"));
  }, 60_000);
}
const undo = document.querySelector("[data-undo]");
if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.undo));

async function ask(address, content, csrf) {
  const answer = await fetch(address, {
    method: "POST",
    mode: "same-origin",
    headers: { "content-type": "application/json", ...(csrf ? { "x-csrf": csrf } : {}) },
    body: content === undefined ? "" : JSON.stringify(content),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// WebAuthn Level 3 §5.1: the browser reads and writes these structures as JSON itself.
async function enter(button) {
  const place = button.dataset.passkey;
  button.disabled = true;
  try {
    const options = await ask(`${place}/begin`, undefined, button.dataset.csrf);
    const credential = "new" in button.dataset
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    await ask(`${place}/finish`, credential.toJSON(), button.dataset.csrf);
    location.assign("adds" in button.dataset ? location.pathname : "/");
  } catch (refused) {
    const spent = "new" in button.dataset && !("adds" in button.dataset) && ["404", "410"].includes(refused.message);
    tell(spent
      ? "This link is used up or too old. Ask for another one."
      : "That passkey was not accepted. Nothing was changed; try once more.");
    button.disabled = false;
  }
}

for (const each of all("[data-passkey], .script")) each.hidden = false;
fit();
