// Checks the log where it is read: signatures, quorum, inclusion, consistency. Nothing of it makes
// markup; every word goes in as text.
// RFC 6962 §2.1, RFC 9162 §2.1; C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles,
// tlog-policy. Sizes are JavaScript numbers: a log of more than 2^53 entries is refused.

const WIDTH = 256, HEIGHT = 8, HASH = 32, MOST_BYTES = 33554432, DAY = 86400, STALE = 900;
const ED25519 = 1, COSIGNATURE = 4;

class Refused extends Error {}
// Nothing is known, good or bad.
class Untold extends Error {}
const refuse = (unless, why) => { if (!unless) throw new Refused(why); };

// --- bytes ---------------------------------------------------------------------------------------

const utf8 = text => new TextEncoder().encode(text);
const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const node = (left, right) => sha256([1], left, right);
const unbase64 = text => {
  refuse(/^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0, "base64 is malformed");
  const data = Uint8Array.from(atob(text), one => one.charCodeAt(0));
  refuse(btoa(String.fromCharCode(...data)) === text, "base64 is malformed");
  return data;
};
const decimal = text => {
  refuse(/^(0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(Number(text)), "a size is malformed");
  return Number(text);
};

// Past the browser's cache: what counts is what the server shows now.
async function get(path) {
  const answer = await fetch(path, { cache: "no-store", credentials: "omit", redirect: "error" });
  if (answer.status === 404) return null;
  refuse(answer.ok, `${path} was answered with status ${answer.status}`);
  const data = new Uint8Array(await answer.arrayBuffer());
  refuse(data.length <= MOST_BYTES, `${path} is too large`);
  return data;
}

async function text(path) {
  const data = await get(path);
  return data && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
}

// --- keys, notes, policy -------------------------------------------------------------------------

async function vkey(line) {
  const [name, id, ...rest] = line.split("+");
  const material = unbase64(rest.join("+"));
  const key = { name, kind: material[0], public: material.slice(1), id };
  const digest = await sha256(utf8(`${name}\n`), material);
  const own = Array.from(digest.slice(0, 4), byte => byte.toString(16).padStart(2, "0")).join("");
  refuse(own === id, `the id of ${name} is not that of its key`);
  return key;
}

async function policyOf(file) {
  const found = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null };
  for (const line of file.split("\n")) {
    const [word, ...rest] = line.trim().split(/[ \t]+/);
    if (word === "log") found.logs.push(await vkey(rest[0]));
    else if (word === "witness") found.witnesses.set(rest[0], await vkey(rest[1]));
    else if (word === "group") {
      const members = rest.slice(2);
      const least = rest[1] === "any" ? 1 : rest[1] === "all" ? members.length : decimal(rest[1]);
      found.groups.set(rest[0], { least, members });
    } else if (word === "quorum") found.quorum = rest[0];
    else refuse(!word || word.startsWith("#"), "the policy holds a line that is not known");
  }
  refuse(found.quorum !== null, "the policy has no quorum");
  return found;
}

function holds(policy, name, vouching) {
  if (name === "none" || vouching.has(name)) return true;
  const group = policy.groups.get(name);
  return Boolean(group) && group.members.filter(one => holds(policy, one, vouching)).length >= group.least;
}

function noteOf(written) {
  const gap = written.lastIndexOf("\n\n");
  refuse(gap > 0 && written.endsWith("\n"), "the checkpoint is no signed note");
  const body = written.slice(0, gap + 1);
  const [origin, size, root] = body.split("\n");
  const lines = written.slice(gap + 2, -1).split("\n").map(line => {
    const [dash, name, signature, ...more] = line.split(" ");
    refuse(dash === "\u2014" && signature && !more.length, "a signature line is malformed");
    const data = unbase64(signature);
    const id = Array.from(data.slice(0, 4), byte => byte.toString(16).padStart(2, "0")).join("");
    return { name, id, signature: data.slice(4) };
  });
  const head = unbase64(root);
  refuse(head.length === HASH, "the head of the tree is malformed");
  return { written, body, origin, size: decimal(size), root: head, lines };
}

const lineOf = (note, key) => {
  const found = note.lines.filter(one => one.name === key.name && one.id === key.id);
  refuse(found.length < 2, `${key.name} signs twice`);
  return found[0];
};

async function signed(key, message, signature) {
  const public_ = await crypto.subtle.importKey("raw", key.public, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", public_, signature, message);
}

async function checkSigned(note, policy) {
  const key = policy.logs.find(one => one.name === note.origin);
  refuse(key && key.kind === ED25519, `no key is known for ${note.origin}`);
  const line = lineOf(note, key);
  refuse(line && line.signature.length === 64, `${note.origin} did not sign it`);
  refuse(await signed(key, utf8(note.body), line.signature), `the signature of ${note.origin} is wrong`);
}

// When each witness cosigned (s since 1970), by the policy's names; refuses a forged line.
async function cosigned(note, policy) {
  const times = new Map();
  for (const [name, key] of policy.witnesses) {
    const line = lineOf(note, key);
    // Post-quantum cosignatures are checked by the command line; here they count for nothing.
    if (!line || key.kind !== COSIGNATURE) continue;
    refuse(line.signature.length === 72, `the cosignature of ${name} is malformed`);
    const time = Number(new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0));
    const message = utf8(`cosignature/v1\ntime ${time}\n${note.body}`);
    refuse(await signed(key, message, line.signature.slice(8)), `the cosignature of ${name} is wrong`);
    times.set(name, time);
  }
  return times;
}

function quorumTime(policy, times) {
  const vouching = new Set();
  for (const [name, time] of [...times].sort((one, other) => one[1] - other[1])) {
    vouching.add(name);
    if (holds(policy, policy.quorum, vouching)) return time;
  }
  refuse(holds(policy, policy.quorum, vouching), `${times.size} of ${policy.witnesses.size} witnesses cosigned it: too few`);
  return null;
}

// --- the tree ------------------------------------------------------------------------------------

const split = leaves => { let half = 1; while (half * 2 < leaves) half *= 2; return half; };

class Tree {
  constructor(size) { this.size = size; this.tiles = new Map(); }

  path(level, index) {
    const width = Math.min(WIDTH, Math.floor(this.size / WIDTH ** (level === "entries" ? 0 : level)) - index * WIDTH);
    const parts = [];
    for (let rest = index, last = true; last || rest; rest = Math.floor(rest / 1000), last = false)
      parts.unshift((last ? "" : "x") + String(rest % 1000).padStart(3, "0"));
    return [`tile/${level}/${parts.join("/")}${width < WIDTH ? `.p/${width}` : ""}`, width];
  }

  async hashes(level, index) {
    const [path, width] = this.path(level, index);
    if (!this.tiles.has(path)) {
      const data = await get(path);
      refuse(data && data.length === width * HASH, `${path} is missing or malformed`);
      this.tiles.set(path, Array.from({ length: width }, (_, at) => data.slice(at * HASH, (at + 1) * HASH)));
    }
    return this.tiles.get(path);
  }

  async entry(index) {
    const [path, width] = this.path("entries", Math.floor(index / WIDTH));
    const data = await get(path);
    refuse(data, `${path} is missing`);
    let at = 0, found = null;
    for (let number = 0; number < width; number++) {
      refuse(at + 2 <= data.length, `${path} ends within an entry`);
      const end = at + 2 + data[at] * 256 + data[at + 1];
      refuse(end <= data.length, `${path} ends within an entry`);
      if (number === index % WIDTH) found = data.slice(at + 2, end);
      at = end;
    }
    refuse(at === data.length, `${path} holds more than its entries`);
    return found;
  }

  // The head of [begin, end), as the tiles have it: what it leads to is compared with a signed head.
  async head(begin, end) {
    const leaves = end - begin;
    const height = Math.round(Math.log2(leaves));
    if (2 ** height !== leaves || begin % leaves) {
      const middle = begin + split(leaves);
      return node(await this.head(begin, middle), await this.head(middle, end));
    }
    const level = Math.floor(height / HEIGHT), wide = 2 ** (height % HEIGHT);
    const first = (begin / leaves) * wide;
    let row = (await this.hashes(level, Math.floor(first / WIDTH))).slice(first % WIDTH, (first % WIDTH) + wide);
    while (row.length > 1)
      row = await Promise.all(row.filter((_, at) => at % 2 === 0).map((one, at) => node(one, row[at * 2 + 1])));
    return row[0];
  }

  // The head that follows from *leaf* at *index* and the hashes beside its way up.
  async rootWith(leaf, index, begin = 0, end = this.size) {
    if (end - begin === 1) return leaf;
    const middle = begin + split(end - begin);
    return index < middle
      ? node(await this.rootWith(leaf, index, begin, middle), await this.head(middle, end))
      : node(await this.head(begin, middle), await this.rootWith(leaf, index, middle, end));
  }

  // The heads of the first *old* leaves and of all, from the same hashes.
  async heads(old, begin = 0, end = this.size) {
    if (old === end) {
      const whole = await this.head(begin, end);
      return [whole, whole];
    }
    const middle = begin + split(end - begin);
    if (old <= middle) {
      const [before, after] = await this.heads(old, begin, middle);
      return [before, await node(after, await this.head(middle, end))];
    }
    const left = await this.head(begin, middle);
    const [before, after] = await this.heads(old, middle, end);
    return [await node(left, before), await node(left, after)];
  }
}

async function checkGrown(old, now) {
  refuse(old.origin === now.origin, `it was ${old.origin} and is ${now.origin} now`);
  refuse(old.size <= now.size, `it had ${old.size} entries and has ${now.size} now`);
  if (!old.size) return;
  const [before, after] = await new Tree(now.size).heads(old.size);
  refuse(same(before, old.root) && same(after, now.root), `it is not the log that had ${old.size} entries`);
}

// --- the page ------------------------------------------------------------------------------------

const byId = id => document.getElementById(id);
const moment = time => new Date(time * 1000).toISOString().replace("T", " ").slice(0, 16) + " UTC";
const make = (tag, words, kind = "") => {
  const made = document.createElement(tag);
  made.textContent = words;
  if (kind) made.className = kind;
  return made;
};

let failed = 0;
function tell(kind, words) {
  const line = document.createElement("li");
  const chip = make("span", { calm: "holds", late: "fails", soon: "not told" }[kind], `chip ${kind}`);
  chip.prepend(make("span", "", "dot"));
  line.append(chip, make("p", words));
  byId("checks").append(line);
  if (kind === "late") failed++;
}

async function step(words, work) {
  try {
    const answer = await work();
    tell("calm", typeof answer === "string" ? answer : words);
    return answer ?? true;
  } catch (error) {
    if (error instanceof Untold) return tell("soon", error.message), true;
    tell("late", `${words}: ${error.message}`);
    return null;
  }
}

function show(title, words) {
  const held = make("pre", words, "note");
  held.tabIndex = 0;
  held.setAttribute("role", "region");
  held.setAttribute("aria-label", title);
  byId("found").append(make("h3", title), held);
  byId("found").hidden = false;
}

const place = `halfdoor-log ${new URL(".", location.href).pathname}`;
function remembered() {
  try { return JSON.parse(localStorage.getItem(place) ?? "null"); } catch { return null; }
}
function remember(value) {
  try { localStorage.setItem(place, JSON.stringify(value)); } catch { /* A private window keeps nothing. */ }
}

async function checkAble() {
  if (!crypto.subtle) throw new Untold("open this page by https");
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(HASH), "Ed25519", false, ["verify"]);
  } catch {
    throw new Untold("this browser knows no Ed25519; take a newer one, or the command line");
  }
}

// What to compare with where this browser was never here: the newest day that is over.
async function dayBefore(time, policy) {
  const today = Math.floor((time ?? Date.now() / 1000) / DAY);
  for (let day = today - 1; day > today - 9; day--) {
    const written = await text(`checkpoint/${day}`);
    if (written) {
      const note = noteOf(written);
      await checkSigned(note, policy);
      quorumTime(policy, await cosigned(note, policy));
      return [note, day];
    }
  }
  return null;
}

async function check(wanted) {
  const known = remembered();
  const file = await text("policy");
  const policy = await step("The keys are well-formed", async () => policyOf(file ?? ""));
  if (!policy) return;
  if (known && known.policy !== file)
    tell("late", "The keys are not those that this browser saw here before: ask why, elsewhere");
  const note = await step("The checkpoint is a signed note", async () => noteOf((await text("checkpoint")) ?? ""));
  if (!note) return;
  const mine = await step(`Signed by ${note.origin}`, () => checkSigned(note, policy));
  let time = null;
  const quorum = await step("Cosigned by a quorum of witnesses", async () => {
    const times = await cosigned(note, policy);
    time = quorumTime(policy, times);
    return `Cosigned by ${times.size} of ${policy.witnesses.size} witnesses, a quorum${time === null ? "" : `, by ${moment(time)}`}`;
  });
  if (time !== null && Math.abs(Date.now() / 1000 - time) > STALE)
    tell("late", `By the clock of this device it was cosigned ${time > Date.now() / 1000 ? "in the future" : "too long ago: the log stands still"}`);
  if (!mine || !quorum) return;
  const grown = known
    ? await step(`It goes on from the ${known.size} entries that this browser saw`, async () => checkGrown(noteOf(known.note), note))
    : await step("It goes on from the day before", async () => {
      const before = await dayBefore(time, policy);
      if (!before) throw new Untold("This browser was never here, and no earlier day is published: there is nothing to compare with yet");
      await checkGrown(before[0], note);
      return `It goes on from the ${before[0].size} entries of ${moment(before[1] * DAY).slice(0, 10)}`;
    });
  if (!grown && known) show("Signed before", known.note), show("Signed now", note.written);
  if (note.size) {
    const index = wanted === "" ? note.size - 1 : decimal(wanted);
    await step(`Entry ${index} is in the tree`, async () => {
      refuse(index < note.size, `the log has ${note.size} entries, the first is 0`);
      const tree = new Tree(note.size), entry = await tree.entry(index);
      const root = await tree.rootWith(await sha256([0], entry), index);
      refuse(same(root, note.root), "it leads to another head than the signed one");
      show(`Entry ${index}, as it was checked`, new TextDecoder().decode(entry));
    });
  }
  // Who was shown something false goes on from what was true.
  if (!failed) remember({ note: note.written, size: note.size, policy: file });
}

const form = byId("verify");
for (const one of document.querySelectorAll(".script")) one.hidden = false;
document.documentElement.classList.add("scripted");
form.addEventListener("submit", async event => {
  event.preventDefault();
  const button = byId("go"), news = byId("news");
  button.disabled = true;
  failed = 0;
  for (const id of ["checks", "found"]) byId(id).replaceChildren();
  byId("checks").hidden = false;
  byId("found").hidden = true;
  news.textContent = "Checking …";
  let said = "Every check holds.";
  try {
    await checkAble();
    await check(form.elements.entry.value.trim());
  } catch (error) {
    tell(error instanceof Untold ? "soon" : "late", `It could not be checked: ${error.message}`);
    said = "Nothing was checked.";
  }
  news.textContent = failed ? `${failed === 1 ? "One check fails" : `${failed} checks fail`}.` : said;
  button.disabled = false;
});
