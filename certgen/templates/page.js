"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const MOST_ROWS = 1000;
// What a chart needs beside its width for labels, a legend and the menu.
const MARGIN = 190;
const MARGIN_OF_MAP = 100;

const rowsOf = {};
function listRows(name) {
  if (!(name in rowsOf)) {
    const columns = Object.entries(data.tables[name]);
    const count = columns.length ? columns[0][1].length : 0;
    rowsOf[name] = Array.from({ length: count }, (_, i) => Object.fromEntries(columns.map(([key, list]) => [key, list[i]])));
  }
  return rowsOf[name];
}

function makeConfig() {
  const ink = dark.matches ? "#e8e8e8" : "#1a1a1a";
  const line = dark.matches ? "#4a515a" : "#d8dce2";
  const words = { labelColor: ink, titleColor: ink };
  return {
    background: "transparent",
    axis: { ...words, gridColor: line, domainColor: ink, tickColor: ink },
    legend: { ...words, symbolStrokeColor: "gray" },
    title: { color: ink, subtitleColor: ink },
    view: { stroke: line },
  };
}

const views = {};
async function draw(figure) {
  const place = document.getElementById(`${figure.key}-chart`);
  const isMap = figure.tables.includes("pairs");
  const spec = structuredClone(figure.spec);
  const room = Math.max(160, place.clientWidth - (isMap ? MARGIN_OF_MAP : MARGIN));
  if (spec.width > room) {
    spec.height = spec.height === spec.width ? room : spec.height;
    spec.width = room;
  }
  spec.datasets = Object.fromEntries(figure.tables.map((name) => [name, listRows(name)]));
  const { view } = await vegaEmbed(place, spec, {
    mode: "vega-lite",
    renderer: isMap ? "canvas" : "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: figure.key,
    config: makeConfig(),
    tooltip: { theme: dark.matches ? "dark" : "light" },
  });
  views[figure.key] = view;
  if (isMap) view.addEventListener("click", (_, item) => item && item.datum && pick(item.datum.x, item.datum.y));
}

async function drawAll() {
  document.documentElement.dataset.state = "drawing";
  try {
    for (const figure of data.figures) await draw(figure);
    document.documentElement.dataset.state = "ready";
  } catch (error) {
    document.documentElement.dataset.state = "failed";
    const trouble = document.getElementById("trouble");
    trouble.textContent = `A figure cannot be drawn: ${error}`;
    trouble.hidden = false;
    throw error;
  }
}

function pick(x, y) {
  const { xy, margin, proved, ...more } = Object.fromEntries(
    Object.entries(data.tables.pairs).map(([key, list]) => [key, list[x * data.order + y]]),
  );
  document.getElementById("pick-x").value = x;
  document.getElementById("pick-y").value = y;
  const lead = margin === null ? "" : `, by at least ${margin} logits over every other label, label ${more["nearest wrong label"]} the nearest`;
  document.getElementById("picked").value =
    `(${x}, ${y}) is ${more["x is"]} times ${more["y is"]} = ${more["xy is"]}, label ${xy}: ${proved}${lead}.`;
  for (const key of ["pairs", "margin-map"]) views[key]?.signal("picked_x", x).signal("picked_y", y).runAsync();
}

const picker = document.getElementById("picker");
if (picker) {
  picker.addEventListener("submit", (event) => event.preventDefault());
  picker.addEventListener("input", () => {
    const [x, y] = ["pick-x", "pick-y"].map((id) => document.getElementById(id).valueAsNumber);
    if ([x, y].every((value) => Number.isInteger(value) && value >= 0 && value < data.order)) pick(x, y);
  });
}

function makeTable(name) {
  const table = document.createElement("table");
  const keys = Object.keys(data.tables[name]);
  const rows = listRows(name);
  const header = table.createTHead().insertRow();
  for (const key of keys) header.append(Object.assign(document.createElement("th"), { textContent: key, scope: "col" }));
  const body = table.createTBody();
  for (const row of rows.slice(0, MOST_ROWS)) {
    const line = body.insertRow();
    for (const key of keys) line.insertCell().textContent = row[key] ?? "";
  }
  if (rows.length > MOST_ROWS) {
    table.createCaption().textContent = `The first ${MOST_ROWS} of ${rows.length} rows; all are in the download.`;
  }
  return table;
}

function writeCsv(name) {
  const keys = Object.keys(data.tables[name]);
  const quote = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  return [keys, ...listRows(name).map((row) => keys.map((key) => row[key] ?? ""))].map((line) => line.map(quote).join(",")).join("\r\n") + "\r\n";
}

for (const details of document.querySelectorAll("details.data")) {
  const name = details.dataset.table;
  details.addEventListener("toggle", () => details.querySelector(".scroll").replaceChildren(...(details.open ? [makeTable(name)] : [])));
  details.querySelector("button").addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([writeCsv(name)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: `${name}.csv` }).click();
    URL.revokeObjectURL(url);
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) =>
    header.querySelector("button").addEventListener("click", () => {
      const isDown = header.getAttribute("aria-sort") === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const collator = new Intl.Collator("en", { numeric: true });
      const compare = (one, two) => collator.compare(one.cells[column].dataset.value, two.cells[column].dataset.value);
      const isNumber = [...table.tBodies[0].rows].every((row) => !isNaN(Number(row.cells[column].dataset.value)));
      const subtract = (one, two) => Number(one.cells[column].dataset.value) - Number(two.cells[column].dataset.value);
      const sorted = [...table.tBodies[0].rows].sort(isNumber ? subtract : compare);
      table.tBodies[0].append(...(isDown ? sorted.reverse() : sorted));
    }),
  );
}

// One drawing after the other.
let drawing = drawAll();
const redraw = () => (drawing = drawing.then(drawAll));
dark.addEventListener("change", redraw);
// A phone's address bar changes the height only.
let width = innerWidth;
let timer = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(timer);
  timer = setTimeout(redraw, 300);
});
