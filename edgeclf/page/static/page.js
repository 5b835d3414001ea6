// Shows what the loop does. Asks for the next state when the last is drawn, so a slow
// network or a hidden tab sees fewer pictures, and never old ones.
"use strict";

const STALE_MS = 2000; // a picture this old is no longer what is there
const SILENT_MS = 5000; // the server says something every two seconds
const RETRY_MS = [250, 500, 1000, 2000];

const $ = (id) => document.getElementById(id);

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function made(tag, text = "", kind = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

// Names are the user's: they come in as text, never as HTML.
function fill(parent, children) {
  parent.replaceChildren(...children);
}

function ms(value) {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function span(valueMs) {
  const s = valueMs / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${s.toFixed(0)} s`;
  if (s < 7200) return `${(s / 60).toFixed(0)} min`;
  if (s < 172800) return `${(s / 3600).toFixed(0)} h`;
  return `${(s / 86400).toFixed(0)} days`;
}

// ---------------------------------------------------------------- what is drawn

function drawStatus(state) {
  const decision = state.decision;
  if (state.phase === "ended") return status("bad", `ended: ${state.ended}`);
  const lost = state.events.find((each) => each.kind === "source");
  if (lost && lost.phase === "start") {
    return status("bad", `the source is lost, ${span(lost.since_ms)}`);
  }
  if (!decision) {
    return status("wait", state.phase === "starting" ? "starting" : "waiting for a picture");
  }
  if (decision.since_ms > STALE_MS) {
    return status("bad", `nothing decided for ${span(decision.since_ms)}`);
  }
  return status("good", `live, ${state.decisions_per_s.toFixed(1)} a second`);
}

function status(kind, text) {
  $("status").dataset.kind = kind;
  say($("status"), text);
  $("stage").classList.toggle("stale", kind === "bad");
}

function drawDecision(decision) {
  if (!decision) return;
  const [best, ...others] = decision.top;
  say($("label"), best.label);
  say($("score"), best.score.toFixed(3));
  $("score").title = `picture ${decision.sequence}`;
  fill($("top"), others.map((each) => {
    const row = made("li");
    const meter = made("meter");
    meter.value = each.score;
    row.append(made("span", each.label), made("span", each.score.toFixed(3)), meter);
    return row;
  }));
  const [left, top, width, height] = decision.seen;
  const seen = $("seen");
  seen.hidden = width > 0.995 && height > 0.995;
  Object.assign(seen.style, {
    left: `${left * 100}%`, top: `${top * 100}%`,
    width: `${width * 100}%`, height: `${height * 100}%`,
  });
}

function drawStages(state) {
  const budget = state.budget;
  const limits = budget ? budget.limits : [];
  const whose = budget && (budget.is_own ? "" : " (this machine is another)");
  say($("budget"), budget ? `budget of ${budget.name}${whose}` : "no budget: say --profile");
  fill($("stages").tBodies[0], Object.entries(state.stages).map(([name, stage]) => {
    const own = limits.filter((each) => each.name === name);
    const row = made("tr", "", own.some((each) => each.over) ? "over" : "");
    const head = made("th", name);
    head.scope = "row";
    const cells = ["p50_ms", "p95_ms", "max_ms"].map((key) => made("td", ms(stage[key])));
    const last = made("td", "", "wide");
    last.append(...own.map(limitBar));
    row.append(head, ...cells, last);
    return row;
  }));
}

function limitBar(limit) {
  const box = made("span", "", `limit${limit.over ? " over" : ""}`);
  const judged = limit.over === null ? ", too few yet" : "";
  const statistic = limit.statistic ? `${limit.statistic} ` : "";
  box.append(`${statistic}≤ ${limit.limit}${judged}`);
  if (limit.measured !== null) box.append(bar(limit.measured / limit.limit));
  return box;
}

// An SVG, as the page's rules forbid styles in elements that come later.
function bar(share) {
  const box = made("span", "", "bar");
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 1");
  svg.setAttribute("preserveAspectRatio", "none");
  const rect = document.createElementNS(space, "rect");
  rect.setAttribute("height", "1");
  rect.setAttribute("width", String(Math.min(100, share * 100)));
  svg.append(rect);
  box.append(svg);
  return box;
}

function drawFacts(state) {
  const rows = [];
  const add = (name, value, over = false) => rows.push(
    made("dt", name), made("dd", value, over ? "over" : ""));
  const { decision, counts, machine, loop } = state;
  if (decision) {
    add("age of the decision", `${ms(decision.age_ms)} ms (${decision.timestamp_origin})`);
  }
  for (const [name, count] of Object.entries(counts)) {
    if (name === "left") continue; // under way: 0 or 1, and flickering
    if (count || ["captured", "decided", "dropped"].includes(name)) add(name, String(count));
  }
  if (machine) drawMachine(machine, state, add);
  add("running for", span(state.up_ms));
  if (loop) {
    const { engine, version, threads } = loop.engine;
    add("engine", `${engine} ${version}`);
    add("workers × threads", `${loop.workers} × ${threads ?? "?"}`);
  }
  fill($("facts"), rows);
}

function drawMachine(machine, state, add) {
  const hot = (state.budget?.limits ?? []).some((each) => each.name === "temperature" && each.over);
  const { temperature_c: celsius, clock_mhz: clock, load_1m: load } = machine;
  add("temperature", celsius === null ? "not shown here" : `${celsius.toFixed(1)} °C`, hot);
  if (clock !== null) add("clock", `${clock.toFixed(0)} MHz`);
  if (machine.throttle !== null) add("throttled", machine.throttle || "no", machine.throttle !== "");
  if (load !== null) add("load", load.toFixed(2));
}

function drawEvents(events) {
  $("quiet").hidden = events.length > 0;
  fill($("events"), events.map((each) => {
    const bad = each.kind !== "label" && each.phase === "start";
    const row = made("li", "", `${each.phase}${bad ? " bad" : ""}`);
    const at = new Date(Date.now() - each.since_ms);
    const time = made("time", at.toLocaleTimeString());
    time.dateTime = at.toISOString();
    time.title = at.toLocaleString();
    const score = each.score === null ? "" : ` ${each.score.toFixed(3)}`;
    row.append(time, made("strong", `${each.kind} ${each.name}${score}`));
    if (each.detail) row.append(made("small", each.detail));
    return row;
  }));
}

function draw(state) {
  say($("model"), state.model.name);
  $("model").title = state.model.digest;
  document.title = `${state.decision?.top[0].label ?? "edgeclf"} – ${state.model.name}`;
  say($("source"), state.loop?.source ?? "");
  say($("window"), "of the newest 1,024 decisions");
  drawStatus(state);
  drawDecision(state.decision);
  drawFacts(state);
}

// Percentiles and events change slowly; drawing them ten times a second costs the most.
let slowDrawnAt = 0;
function drawSlow(state) {
  if (performance.now() - slowDrawnAt < 1000) return;
  slowDrawnAt = performance.now();
  drawStages(state);
  drawEvents(state.events);
}

async function drawPicture(blob) {
  const picture = $("picture");
  const before = picture.src;
  picture.src = URL.createObjectURL(blob);
  try {
    await picture.decode();
  } catch {
    return; // a picture that cannot be drawn is followed by the next
  } finally {
    if (before) URL.revokeObjectURL(before);
  }
  picture.hidden = false;
  $("none").hidden = true;
}

// ---------------------------------------------------------------- how it comes here

let failures = 0;
let lastHeard = performance.now();
let socket = null;

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/live`);
  mine.binaryType = "blob";
  socket = mine;
  lastHeard = performance.now();
  const next = () => mine.readyState === WebSocket.OPEN && mine.send("next");
  mine.onmessage = async ({ data }) => {
    lastHeard = performance.now();
    failures = 0;
    if (typeof data === "string") {
      const state = JSON.parse(data);
      draw(state);
      drawSlow(state);
      if (!state.picture) next();
    } else {
      await drawPicture(data);
      next();
    }
  };
  mine.onclose = ({ reason }) => mine === socket && again(reason);
}

async function again(reason = "") {
  socket = null;
  status("bad", `${reason || "the loop does not answer"}; trying again`);
  const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
  failures += 1;
  setTimeout(connect, wait);
  if (failures % 4) return;
  try {
    const answer = await fetch("state.json");
    if (answer.status === 401) status("bad", "the token is no longer right: open the new address");
  } catch {
    // It is away: the next attempt tells.
  }
}

setInterval(() => {
  if (socket && performance.now() - lastHeard > SILENT_MS) {
    const dead = socket;
    socket = null;
    dead.close();
    again();
  }
}, 1000);

connect();
