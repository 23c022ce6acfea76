// The console's live part. Every page works without it; with it the values move, forms respond in place, charts appear.
//
// Nothing here makes HTML from text (the policy forbids it): values are text, and a part of the page that is outdated is
// taken over from the page itself, fetched and parsed by the browser.

const STALE_MS = 5000;
const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- theme -----------------------------------------------------------------------------------------------------------

function startTheme() {
  const button = document.getElementById('theme');
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : prefersDark.matches);
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    document.cookie = `matapalo_console_theme=${root.dataset.theme}; Path=/console; SameSite=Strict; Max-Age=31536000`;
    redrawCharts();
  });
  prefersDark.addEventListener('change', redrawCharts);
}

// --- the stream ------------------------------------------------------------------------------------------------------

let source = null;
let staleTimer = 0;

function showState(state, words) {
  root.dataset.live = state;
  document.getElementById('live').dataset.state = state;
  document.getElementById('live-text').textContent = words;
}

function openStream() {
  const address = document.body.dataset.stream;
  if (!address || source || document.hidden) return;
  showState('still', 'connecting');
  source = new EventSource(address);
  source.addEventListener('series', (event) => draw(JSON.parse(event.data)));
  source.addEventListener('tick', (event) => applyTick(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) {
      source = null;
      showState('lost', 'not connected: reload the page');
    } else {
      showState('stale', 'connection lost, numbers are old');
    }
  });
}

function closeStream() {
  if (!source) return;
  clearTimeout(staleTimer);
  source.close();
  source = null;
  showState('still', 'paused');
}

function applyTick(tick) {
  clearTimeout(staleTimer);
  staleTimer = setTimeout(() => showState('stale', 'nothing arrives, numbers are old'), STALE_MS);
  if (tick.problems.length) showState('stale', 'numbers are old');
  else showState('live', 'live');
  if (tick.cells) fill(tick.cells);
  if (tick.revisions) {
    const outdated = Object.keys(tick.revisions).filter((name) => isOutdated(name, tick.revisions[name]));
    if (outdated.length) refresh(outdated);
  }
}

const latest = { texts: {}, kinds: {}, widths: {} };

function fill({ texts, kinds, widths }) {
  Object.assign(latest.texts, texts);
  Object.assign(latest.kinds, kinds);
  Object.assign(latest.widths, widths);
  write(document, texts, kinds, widths);
}

function write(within, texts, kinds, widths) {
  for (const element of all('[data-cell]', within)) {
    const name = element.dataset.cell;
    if (name in texts && element.textContent !== texts[name]) element.textContent = texts[name];
    if (name in kinds) element.dataset.kind = kinds[name];
  }
  for (const element of all('[data-width]', within)) {
    if (element.dataset.width in widths) element.setAttribute('width', widths[element.dataset.width]);
  }
}

// --- regions ---------------------------------------------------------------------------------------------------------

let refreshing = false;

const regionNamed = (name, within = document) => within.querySelector(`[data-region="${CSS.escape(name)}"]`);
const isOutdated = (name, revision) => (regionNamed(name)?.dataset.revision ?? revision) !== revision;

// The operator is typing in it, or has typed: it stays until that is sent or taken back.
const isInUse = (region) =>
  all('input:not([type=hidden]), select', region).some((field) => field === document.activeElement || isChanged(field));
const isChanged = (field) =>
  field.matches('select') ? field.selectedIndex !== firstChoice(field) : field.value !== field.defaultValue;
const firstChoice = (select) => Math.max(0, [...select.options].findIndex((option) => option.defaultSelected));

async function refresh(names) {
  if (refreshing) return;
  refreshing = true;
  try {
    const page = await fetchPage(location.href);
    if (page) names.forEach((name) => replace(name, page));
  } finally {
    refreshing = false;
  }
}

function fetchPage(address) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('GET', address);
    request.responseType = 'document';
    request.onload = () => resolve(request.status < 500 ? request.responseXML : null);
    request.onerror = () => resolve(null);
    request.send();
  });
}

function replace(name, page) {
  const before = regionNamed(name);
  const after = regionNamed(name, page);
  if (!before || !after || isInUse(before)) return;
  const focused = before.contains(document.activeElement) ? document.activeElement.closest('[id]')?.id : '';
  for (const details of all('details[open][id]', before)) {
    after.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute('open', '');
  }
  const outcomes = new Map(all('.outcome', before).map((outcome) => [outcome.id, outcome]));
  before.replaceWith(document.adoptNode(after));
  for (const outcome of all('.outcome', after)) {
    if (!outcome.textContent && outcomes.get(outcome.id)?.textContent) outcome.replaceWith(outcomes.get(outcome.id));
  }
  write(after, latest.texts, latest.kinds, latest.widths);
  all('form[data-form]', after).forEach(dressForm);
  if (focused) document.getElementById(focused)?.querySelector('button, summary, a')?.focus();
}

// --- forms -----------------------------------------------------------------------------------------------------------

function dressForm(form) {
  const percent = form.querySelector('[data-percent]');
  if (percent) {
    const button = form.querySelector('[data-says]');
    const show = () => preview(percent, button);
    percent.addEventListener('input', show);
    show();
  }
}

function preview(percent, button) {
  const value = percent.value.trim().replace(',', '.');
  const isShare = value !== '' && Number(value) >= 0 && Number(value) <= 100;
  button.textContent = isShare ? button.dataset.says.replace('{percent}', Number(value)) : 'Set the share';
}

async function send(event) {
  const form = event.target.closest('form[data-form]');
  if (!form) return;
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  event.submitter?.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(form.action, {
      method: 'POST',
      headers: { 'X-Console-Token': fields.get('token') },
      body: new URLSearchParams(fields),
    });
    const { message } = await response.json();
    say(form, response.ok, message);
    if (response.ok) await keepSent(form);
  } catch {
    say(form, false, 'the control plane does not answer: nothing is known to have changed');
  } finally {
    event.submitter?.removeAttribute('aria-busy');
  }
}

function say(form, isDone, message) {
  const outcome = form.querySelector('.outcome');
  outcome.setAttribute('role', isDone ? 'status' : 'alert');
  outcome.dataset.kind = isDone ? 'pass' : 'fail';
  outcome.textContent = `${isDone ? '✓' : '✗'} ${message}`;
}

async function keepSent(form) {
  for (const input of all('input:not([type=hidden])', form)) input.defaultValue = input.value;
  for (const option of all('option', form)) option.defaultSelected = option.selected;
  if (form.contains(document.activeElement) && document.activeElement.matches('input')) document.activeElement.blur();
  await refresh(all('[data-region]').map((region) => region.dataset.region));
}

// --- charts ----------------------------------------------------------------------------------------------------------

const SIDES = ['legacy', 'new'];
const PERCENTILES = ['p50', 'p95', 'p99'];
const CHARTS = {
  latency: {
    columns: [1, 2, 3, 4, 5, 6],
    scale: { distr: 3, range: (_, low, high) => (low == null ? [1, 1000] : uPlot.rangeLog(low, Math.max(high, low * 2), 10, false)) },
    axis: (value) => (value == null ? '' : value >= 1000 ? `${value / 1000} s` : `${value}`),
    figure: (value) => (value == null ? '—' : value >= 10 ? value.toFixed(0) : value.toFixed(1)),
  },
  errors: {
    columns: [7, 8],
    scale: { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    axis: (value) => `${value} %`,
    figure: (value) => (value == null ? '—' : `${value.toFixed(value < 1 ? 2 : 1)} %`),
  },
};
const DASHES = { p99: [2, 3] };
const WIDTHS = { p50: 1, p95: 2.5, p99: 1.5 };

let data = null;
let marks = [];
let charts = {};

const colour = (name) => getComputedStyle(document.querySelector(`.${name}`) ?? root).color;

const hasData = () => data && data.slice(1).some((column) => column.some((value) => value != null));

function draw(series) {
  data = series.columns;
  marks = series.marks;
  if (!charts.latency) redrawCharts();
  for (const [name, chart] of Object.entries(charts)) chart.setData(pick(name));
}

const pick = (name) => [data[0], ...CHARTS[name].columns.map((column) => data[column])];

function redrawCharts() {
  if (!hasData() || typeof uPlot === 'undefined') return;
  for (const [name, definition] of Object.entries(CHARTS)) {
    const element = document.querySelector(`[data-chart="${name}"]`);
    if (!element) return;
    charts[name]?.destroy();
    element.querySelector('[data-no-data]').hidden = true;
    charts[name] = new uPlot(options(name, definition, element), pick(name), element);
    showLegend(name, charts[name]);
  }
}

function options(name, definition, element) {
  const soft = colour('soft');
  const line = getComputedStyle(element.closest('.card')).borderTopColor;
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    cursor: { sync: { key: 'route' }, drag: { x: true, y: false }, points: { size: 6 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { x: { time: true, range: (_, low, high) => timeRange(low, high) }, y: definition.scale },
    axes: [
      { ...axis, space: 70, values: (chart, times) => times.map((at) => clock(at, chart.scales.x)) },
      { ...axis, size: 48, space: 28, values: (_, values) => values.map(definition.axis) },
    ],
    series: [{}, ...definition.columns.map((_, index) => seriesLine(name, index))],
    hooks: { draw: [drawMarks], setCursor: [(chart) => showLegend(name, chart)], setData: [(chart) => showLegend(name, chart)] },
  };
}

function seriesLine(name, index) {
  const [side, percentile] = name === 'latency' ? [SIDES[Math.floor(index / 3)], PERCENTILES[index % 3]] : [SIDES[index], 'p95'];
  return { stroke: colour(side), width: WIDTHS[percentile], dash: DASHES[percentile], points: { show: false }, spanGaps: false };
}

const timeRange = (low, high) => (high - low < 120 ? [high - 120, high] : [low, high]);
const two = (number) => String(number).padStart(2, '0');

function clock(at, scale) {
  const date = new Date(at * 1000);
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return scale.max - scale.min < 600 ? `${time}:${two(date.getUTCSeconds())}` : time;
}

// Changes of the route: a vertical line where the share became another.
function drawMarks(chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('soft');
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
  for (const [at, words] of marks) {
    const x = Math.round(chart.valToPos(at, 'x', true));
    if (at < chart.scales.x.min || at > chart.scales.x.max) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(words, x + 4 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}

function showLegend(name, chart) {
  const legend = document.querySelector(`[data-legend="${name}"]`);
  if (legend.hidden) buildLegend(legend, name);
  const index = chart.cursor.idx ?? chart.data[0].length - 1;
  all('output', legend).forEach((output, column) => {
    output.textContent = CHARTS[name].figure(chart.data[column + 1][index]);
  });
}

function buildLegend(legend, name) {
  for (const side of SIDES) {
    const row = document.createElement('div');
    const title = document.createElement('b');
    title.className = side;
    title.textContent = side;
    row.append(title);
    for (const percentile of name === 'latency' ? PERCENTILES : ['p95']) {
      row.append(legendEntry(side, percentile, name === 'latency' ? percentile : ''));
    }
    legend.append(row);
  }
  legend.hidden = false;
}

function legendEntry(side, percentile, words) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `${side} ${percentile}`);
  path.setAttribute('d', 'M0 3h22');
  svg.append(path);
  const entry = document.createElement('span');
  entry.append(svg, words ? `${words} ` : '', document.createElement('output'));
  return entry;
}

function resizeCharts() {
  for (const [name, chart] of Object.entries(charts)) {
    const element = document.querySelector(`[data-chart="${name}"]`);
    chart.setSize({ width: element.clientWidth, height: element.clientHeight });
  }
}

// ---------------------------------------------------------------------------------------------------------------------

startTheme();
all('form[data-form]').forEach(dressForm);
document.addEventListener('submit', send);
document.addEventListener('visibilitychange', () => (document.hidden ? closeStream() : openStream()));
addEventListener('resize', resizeCharts);
addEventListener('pagehide', closeStream);
addEventListener('pageshow', openStream);
openStream();
