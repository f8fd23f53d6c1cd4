/** Keeps the page up to date: asks for the phones each second and makes the elements that the server makes at first. */
const EVERY = 1000;
const find = (id) => document.getElementById(id);
const seen = new Set([...document.querySelectorAll("time")].map((time) => time.dateTime));
let before = "";

function make(name, options = {}, ...children) {
  const element = Object.assign(document.createElement(name), options);
  element.append(...children);
  return element;
}

const plural = (count) => (count === 1 ? "1 push" : `${count.toLocaleString("en")} pushes`);

function timeOf(line) {
  const text = new Date(line.at).toLocaleTimeString("en-GB");
  return make("time", { dateTime: line.at, textContent: text });
}

function lineOf(line) {
  const fresh = seen.has(line.at) ? "" : " new";
  seen.add(line.at);
  if (line.silent) {
    const text = make("span", { textContent: `Silent: badge ${line.badge}` });
    return make("li", { className: `silent${fresh}` }, text, timeOf(line));
  }
  const title = make("b", { dir: "auto", textContent: line.title });
  const head = make("p", { className: "title" }, title, timeOf(line));
  return make("li", { className: `push${fresh}` }, head, make("p", { className: "body", dir: "auto", textContent: line.body }));
}

function phoneOf(phone) {
  const badge = make("span", { className: "badge", ariaHidden: "true", hidden: !phone.badge, textContent: phone.badge });
  const app = make("span", { className: "app" }, make("img", { src: "/icon.svg", alt: "" }), badge);
  const count = make("p", { className: "count", textContent: `${plural(phone.count)}, badge ${phone.badge}` });
  const header = make("header", {}, app, make("div", {}, make("h2", { textContent: phone.name }), count));
  return make("article", { className: "phone" }, header, make("ol", { className: "lines" }, ...phone.lines.map(lineOf)));
}

function show({ phones, faults, accepted, refused }) {
  const summary = `${plural(accepted)} accepted, ${refused.toLocaleString("en")} refused`;
  if (find("summary").textContent !== summary) find("summary").textContent = summary;
  find("empty").hidden = phones.length > 0;
  find("faults").hidden = faults.length === 0;
  find("fault-list").replaceChildren(...faults.map((fault) => make("li", { textContent: `${fault.kind} × ${fault.times}` })));
  find("phones").replaceChildren(...phones.map(phoneOf));
}

async function poll() {
  try {
    const text = await (await fetch("/phones.json", { cache: "no-store" })).text();
    if (text !== before) show(JSON.parse(text));
    before = text;
  } catch {
    before = "";
    find("summary").textContent = "The stub is not there at the moment; trying again.";
  }
  setTimeout(poll, EVERY);
}

poll();
