"use strict";
// Choices live in the page's memory, are kept by the browser where it allows that, and leave the
// page as a file only. Text of sources is never read as markup: it stands in the page already.
const pairs = [...document.querySelectorAll("section")];
const byId = (name) => document.getElementById(name);
const store = "kg-review-" + document.body.dataset.queue;
const choices = new Map();
const order = [];
let place = 0;
let saved = true;
// What can be answered to each kind of question, and how it is called where it is counted.
const answers = {
  pair: { same: 1, different: 1, unsure: 1 },
  fact: { accept: 1, correct: 1, reject: 1 },
};
const past = { accept: "accepted", correct: "corrected", reject: "rejected" };

function remember() {
  try {
    const kept = { choices: [...choices], who: byId("who").value, saved };
    localStorage.setItem(store, JSON.stringify(kept));
  } catch { /* a browser may keep nothing for files: then the page's memory is all there is */ }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(store));
    if (!kept) return;
    for (const [key, choice] of kept.choices) {
      if (!pairs[key]) continue;
      choices.set(key, choice);
      order.push(key);
    }
    byId("who").value = kept.who;
    saved = kept.saved;
    place = Math.max(0, pairs.findIndex((_, key) => !choices.has(key)));
  } catch { /* nothing was kept */ }
}

function show() {
  pairs.forEach((pair, key) => { pair.hidden = key !== place; });
  byId("end").hidden = place < pairs.length;
  byId("at").textContent = place < pairs.length ? `${place + 1} of ${pairs.length}` : "end";
  const kinds = new Set(pairs.map((pair) => pair.dataset.kind));
  const verdicts = [...kinds].flatMap((kind) => Object.keys(answers[kind]));
  const count = Object.fromEntries(verdicts.map((verdict) => [verdict, 0]));
  for (const choice of choices.values()) count[choice.verdict] += 1;
  byId("counts").textContent =
    verdicts.map((verdict) => `${count[verdict]} ${past[verdict] ?? verdict}`).join(", ");
  byId("done").value = choices.size;
  byId("left").textContent = String(pairs.length - choices.size);
  byId("unsaved").textContent = saved ? "" : "not saved yet";
  const pair = pairs[place];
  if (!pair) return;
  const choice = choices.get(place);
  for (const button of pair.querySelectorAll("button[data-verdict]")) {
    button.setAttribute("aria-pressed", String(choice?.verdict === button.dataset.verdict));
  }
  const why = pair.querySelector(".why");
  if (choice && document.activeElement !== why) why.value = choice.why;
  const relation = pair.querySelector(".relation");
  if (choice?.relation && relation && document.activeElement !== relation) {
    relation.value = choice.relation;
    pair.querySelector(".object").value = choice.object;
  }
}

function go(to) {
  place = Math.max(0, Math.min(pairs.length, to));
  document.activeElement?.blur();
  window.scrollTo(0, 0);
  show();
}

function changed() {
  saved = false;
  remember();
}

function choose(verdict) {
  const pair = pairs[place];
  if (!pair || !(verdict in answers[pair.dataset.kind])) return;
  const why = pair.querySelector(".why").value.trim();
  const choice = { verdict, why, time: new Date().toISOString() };
  if (verdict === "correct") {
    choice.relation = pair.querySelector(".relation").value;
    choice.object = pair.querySelector(".object").value.trim();
    if (!choice.object && choice.relation === JSON.parse(pair.dataset.line).relation) {
      // There is nothing to correct to yet.
      pair.querySelector(".object").focus();
      return;
    }
  }
  choices.set(place, choice);
  order.push(place);
  changed();
  go(place + 1);
}

function undo() {
  while (order.length) {
    const last = order.pop();
    if (!choices.delete(last)) continue;
    changed();
    go(last);
    return;
  }
}

function pairLine(pair, choice) {
  const { type, l, r } = pair.dataset;
  return { kind: "pair", version: 1, entity_type: type, record_l: l, record_r: r, ...choice };
}

function factLine(pair, { relation, object, ...choice }) {
  const line = { version: 1, ...JSON.parse(pair.dataset.line), ...choice };
  if (choice.verdict !== "correct") return line;
  if (relation !== line.relation) line.new_relation = relation;
  // An id, a record or a name: the import finds out which.
  if (object) line.new_object_typed = object;
  return line;
}

function save() {
  const who = byId("who").value.trim();
  const lines = [...choices].sort(([a], [b]) => a - b).map(([key, choice]) => {
    const line = pairs[key].dataset.kind === "fact" ? factLine(pairs[key], choice)
      : pairLine(pairs[key], choice);
    return JSON.stringify(who ? { ...line, who } : line) + "\n";
  });
  if (!lines.length) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "judgements.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  saved = true;
  remember();
  show();
}

const keys = {
  s: () => choose("same"),
  d: () => choose("different"),
  u: () => choose("unsure"),
  a: () => choose("accept"),
  c: () => choose("correct"),
  r: () => choose("reject"),
  o: () => pairs[place]?.querySelector(".object")?.focus(),
  n: () => go(place + 1),
  p: () => go(place - 1),
  ArrowRight: () => go(place + 1),
  ArrowLeft: () => go(place - 1),
  z: undo,
  w: () => pairs[place]?.querySelector(".why").focus(),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    save();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target instanceof HTMLSelectElement) return;
  if (event.target instanceof HTMLInputElement) {
    if (event.key === "Escape" || event.key === "Enter") event.target.blur();
    return;
  }
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.repeat && "sduacrz".includes(event.key)) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.verdict) choose(button.dataset.verdict);
  else ({ save, undo, next: keys.n, back: keys.p })[button.dataset.act]?.();
});
document.addEventListener("input", (event) => {
  if (event.target.id === "who") changed();
  const choice = choices.get(place);
  if (event.target.classList.contains("why") && choice) {
    choices.set(place, { ...choice, why: event.target.value.trim(), time: new Date().toISOString() });
    changed();
  }
  show();
});
window.addEventListener("beforeunload", (event) => {
  if (!saved && choices.size) event.preventDefault();
});
recall();
show();
