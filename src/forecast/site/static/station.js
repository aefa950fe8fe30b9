// The charts of a station's week. The page has a place for each parameter, the week's script the values.
"use strict";
(function () {
  if (typeof forecastWeek === "undefined") return;
  const week = forecastWeek;
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const times = [];
  let moment = 0;
  for (const step of week.times) times.push((moment += step));
  const starts = new Set(week.gaps.map((gap) => gap[0]));
  // A point without a value behind each gap's beginning ends the line there.
  const rows = [];
  const xs = [];
  times.forEach((time, row) => {
    xs.push(time); rows.push(row);
    if (starts.has(time)) { xs.push(time + 1); rows.push(-1); }
  });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const label = (time) => (time % 86400 === 0 ? day.format(time * 1000) : hour.format(time * 1000));
  const charts = [];
  let marked = true;
  let zooming = false;

  function columns(name) {
    const values = week.values[name];
    const flags = new Map(week.flags[name] || []);
    const of = (keep) => rows.map((row) => (row >= 0 && values[row] !== null && keep(flags.get(row) || 0) ? values[row] : null));
    return [xs, of((flag) => marked || flag === 0), of((flag) => marked && flag === 3), of((flag) => marked && flag === 4)];
  }
  function zoom(source) {
    if (zooming) return;
    zooming = true;
    const { min, max } = source.scales.x;
    for (const chart of charts) if (chart !== source) chart.setScale("x", { min, max });
    zooming = false;
  }
  function draw(place) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const name = place.dataset.parameter;
    const points = name === "wind_from_direction" || name === "present_weather";
    const dots = (stroke, size) => ({ stroke, paths: () => null, points: { show: true, size, fill: stroke, width: 0 } });
    const chart = new uPlot({
      width: place.clientWidth, height: 132, ms: 1e-3, padding: [8, 6, 0, 0],
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { sync: { key: "week" }, y: false, points: { size: 5 }, drag: { x: true, y: false } },
      scales: { x: { time: true }, y: name === "wind_from_direction" ? { range: [0, 360] } : {} },
      axes: [
        { stroke: colour("--soft"), grid: { stroke: colour("--hair"), width: 1 }, ticks: { show: false }, size: 24, font: "11px system-ui, sans-serif",
          space: 64, incrs: [3600, 10800, 21600, 43200, 86400, 172800], values: (_, splits) => splits.map(label) },
        { stroke: colour("--soft"), grid: { stroke: colour("--hair"), width: 1 }, ticks: { show: false }, size: 46, font: "11px system-ui, sans-serif",
          space: 30, ...(name === "wind_from_direction" ? { splits: () => [0, 90, 180, 270, 360] } : {}), values: (_, splits) => splits.map((value) => number.format(value)) },
      ],
      series: [
        {},
        points ? dots(colour("--accent"), 3) : { stroke: colour("--accent"), width: 1.4, points: { show: false } },
        dots(colour("--suspect"), 5), dots(colour("--fail"), 6),
      ],
      hooks: {
        drawClear: [(u) => {
          u.ctx.fillStyle = colour("--mute-soft");
          for (const [from, to] of week.gaps) {
            const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
            const right = Math.min(u.valToPos(to, "x", true), u.bbox.left + u.bbox.width);
            if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
          }
        }],
        setScale: [(u, key) => { if (key === "x" && charts.includes(u)) zoom(u); }],
        setCursor: [(u) => {
          const at = u.cursor.idx;
          const reading = place.parentNode.querySelector(".reading");
          const value = at === null || at === undefined ? null : u.data[1][at];
          reading.textContent = value === null ? "" : day.format(xs[at] * 1000) + " " + hour.format(xs[at] * 1000) + "  " + number.format(value);
        }],
      },
    }, columns(name), place);
    charts.push(chart);
  }
  function all() {
    for (const chart of charts) chart.destroy();
    charts.length = 0;
    document.querySelectorAll("[data-parameter]").forEach(draw);
  }
  all();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; all(); } });
  const buttons = document.querySelectorAll("[data-flagged]");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      marked = button.dataset.flagged === "marked";
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      zooming = true;
      for (const chart of charts) {
        const { min, max } = chart.scales.x;
        chart.setData(columns(chart.root.parentNode.dataset.parameter));
        chart.setScale("x", { min, max });
      }
      zooming = false;
    });
  }
})();
