// Draws the two chosen runs: lanes and transfers (#chart-gantt), memories (#chart-memory).
// All data is in #runs-data; see gantt/bars.rs for its columns.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("runs-data").textContent);
  const gantt = document.getElementById("chart-gantt");
  const memory = document.getElementById("chart-memory");
  const picks = ["run-a", "run-b"].map((id) => document.getElementById(id));
  const NOTHING = 4294967295;
  const REASON_COLOURS = ["#3d6fb5", "#5aa9e6", "#b5533c", "#5b8f3a"];
  const ROUTE_HEIGHT = 0.75;

  // Charts read a little HTML in every text: names are escaped.
  const esc = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const three = (v) => (v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : v.toFixed(0));
  function duration(ns) {
    if (ns < 1e3) return ns + " ns";
    if (ns < 1e6) return three(ns / 1e3) + " us";
    if (ns < 1e9) return three(ns / 1e6) + " ms";
    return three(ns / 1e9) + " s";
  }

  const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  function sizeUnit(bytes) {
    let unit = 0;
    while (bytes >= 1024 && unit + 1 < SIZES.length) { bytes /= 1024; unit += 1; }
    return [Math.pow(1024, unit), SIZES[unit]];
  }
  function size(bytes) {
    const [scale, unit] = sizeUnit(bytes);
    return (unit === "B" ? bytes : three(bytes / scale)) + " " + unit;
  }

  function timeUnit(ns) {
    if (ns < 2e3) return [1, "ns"];
    if (ns < 2e6) return [1e3, "us"];
    if (ns < 2e9) return [1e6, "ms"];
    return [1e9, "s"];
  }

  // Shades of grey-blue, dark to light.
  const kernelColour = (i, n) => `hsl(${205 + (i % 3) * 12},26%,${n < 2 ? 55 : 36 + (34 * i) / (n - 1)}%)`;

  function span(bars, i) {
    const start = bars.start[i];
    return `${duration(start)} to ${duration(start + bars.length[i])} (${duration(bars.length[i])})`;
  }

  // One chart trace per kind of bar.
  function traces(bars, axis, unit, place, look, text) {
    const kinds = [...new Set(bars.kind)].sort((a, b) => a - b);
    return kinds.map((kind) => {
      const own = bars.kind.map((k, i) => (k === kind ? i : -1)).filter((i) => i >= 0);
      return Object.assign({
        type: "bar", orientation: "h", yaxis: axis,
        base: own.map((i) => bars.start[i] / unit),
        x: own.map((i) => bars.length[i] / unit),
        y: own.map((i) => place(bars.row[i])),
        hovertext: own.map((i) => text(i)),
        hoverinfo: "text", textposition: "none",
      }, look(kind));
    });
  }

  function drawRun(run, axis, unit) {
    const d = run.drawing;
    const name = (i) => esc(d.names[i]);
    const lane = (row) => row;
    const route = (row) => d.lanes.length + 0.4 + row * ROUTE_HEIGHT;
    const border = { width: 0.5, color: "rgba(255,255,255,0.55)" };
    return [
      ...traces(d.tasks, axis, unit, lane, (k) => ({
        name: esc(d.kernels[k]), legendgroup: "k" + d.kernels[k], width: 0.86,
        marker: { color: kernelColour(k, d.kernels.length), line: border },
      }), (i) => `${name(d.tasks.what[i])} on ${esc(d.lanes[d.tasks.row[i]])}<br>${span(d.tasks, i)}`),
      ...traces(d.joined, axis, unit, lane, (part) => (part === 0
        ? { name: "tasks, joined", legendgroup: "joined", width: 0.86, marker: { color: data.compute } }
        : { name: data.causes[part - 1][0], legendgroup: "c" + (part - 1), width: 0.5,
            marker: { color: data.causes[part - 1][1] } }
      ), (i) => {
        const part = d.joined.kind[i];
        const what = part === 0 ? "computes" : "waits: " + data.causes[part - 1][0];
        return `${esc(d.lanes[d.joined.row[i]])} ${what}, in all ${duration(d.joined.length[i])}` +
          `<br>around ${duration(d.joined.start[i])}; ${d.joined.what[i]} short tasks joined`;
      }),
      ...traces(d.gaps, axis, unit, lane, (c) => ({
        name: data.causes[c][0], legendgroup: "c" + c, width: 0.5,
        marker: { color: data.causes[c][1] },
      }), (i) => {
        const cause = data.causes[d.gaps.kind[i]][0];
        const next = d.gaps.what[i];
        const why = next === NOTHING ? "no further task" : `${name(next)} waits: ${cause}`;
        return `${esc(d.lanes[d.gaps.row[i]])} idle, ${why}<br>${span(d.gaps, i)}`;
      }),
      ...traces(d.copies, axis, unit, route, (r) => ({
        name: data.reasons[r], legendgroup: "r" + r, width: 0.6,
        marker: { color: REASON_COLOURS[r] },
      }), (i) => {
        const n = d.copy_counts[i];
        const what = n > 1 ? n + " transfers" : name(d.copies.what[i]);
        return `${what}, ${size(d.copy_bytes[i])} (${data.reasons[d.copies.kind[i]]})<br>${span(d.copies, i)}`;
      }),
    ];
  }

  const rows = (run) =>
    run.drawing.lanes.length + (run.drawing.routes.length ? 0.6 : 0) + run.drawing.routes.length * ROUTE_HEIGHT;

  // Of narrow rows only some have room for their names.
  function thinned(names, every) {
    let last = -every;
    return names.map((name, i) => {
      if (name === "" || i - last < every) return "";
      last = i;
      return name;
    });
  }

  function ganttAxis(run, domain, rowHeight) {
    const d = run.drawing;
    const every = Math.ceil(12 / rowHeight);
    const at = [...d.lanes.map((_, i) => i), ...d.routes.map((_, i) => d.lanes.length + 0.4 + i * ROUTE_HEIGHT)];
    return {
      domain, range: [rows(run) - 0.4, -0.6], tickvals: at,
      ticktext: [...thinned(d.lanes, every), ...thinned(d.routes, Math.ceil(10 / (rowHeight * ROUTE_HEIGHT)))].map(esc), showgrid: false,
      zeroline: false, automargin: true, fixedrange: true, ticks: "",
      tickfont: { size: rowHeight < 15 ? 9 : 11 },
    };
  }

  const clear = "rgba(0,0,0,0)";
  const base = {
    paper_bgcolor: clear, plot_bgcolor: clear, hovermode: "closest",
    font: { family: "system-ui, sans-serif", size: 13, color: "#333a42" },
    legend: { orientation: "h", x: 0, xanchor: "left", yanchor: "top" },
  };
  const config = (file) => ({
    responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    toImageButtonOptions: { format: "svg", filename: file },
  });
  const heading = (letter, run, y) => ({
    text: `<b>${letter}</b>  ${esc(run.title)} · ends after ${duration(run.makespan)}` +
      (run.drawing.unused ? ` · ${run.drawing.unused} lanes ran nothing` : ""),
    xref: "paper", yref: "paper", x: 0, y, xanchor: "left", yanchor: "bottom", showarrow: false,
  });
  const end = (run, unit, ref) => ({
    type: "line", x0: run.makespan / unit, x1: run.makespan / unit, y0: 0, y1: 1,
    yref: ref + " domain", xref: "x", line: { color: run.colour, width: 2, dash: "dot" },
  });

  function drawGantt(a, b) {
    const [unit, unitName] = timeUnit(Math.max(a.makespan, b.makespan));
    const rowHeight = Math.max(9, Math.min(19, 640 / Math.max(rows(a), rows(b))));
    const px = (run) => rows(run) * rowHeight + 8;
    const [above, below] = [px(a), px(b)];
    const gap = 46;
    const plotHeight = above + below + gap;
    const split = below / plotHeight;
    const upper = (below + gap) / plotHeight;
    const seen = new Set();
    const all = [...drawRun(a, "y2", unit), ...drawRun(b, "y", unit)];
    for (const trace of all) {
      trace.showlegend = !seen.has(trace.legendgroup);
      seen.add(trace.legendgroup);
    }
    const last = Math.max(a.makespan, b.makespan) / unit;
    const layout = Object.assign({}, base, {
      barmode: "overlay", height: plotHeight + 150,
      margin: { l: 90, r: 20, t: 40, b: 110 },
      xaxis: { title: { text: `time (${unitName})`, standoff: 8 }, range: [-last * 0.005, last * 1.01],
               zeroline: false, anchor: "y", gridcolor: "#d9dee3" },
      yaxis: ganttAxis(b, [0, split], rowHeight),
      yaxis2: ganttAxis(a, [upper, 1], rowHeight),
      annotations: [heading("A", a, 1.003), heading("B", b, split + 0.003)],
      shapes: [end(a, unit, "y2"), end(b, unit, "y")],
    });
    layout.legend = Object.assign({}, base.legend, { y: -60 / plotHeight });
    gantt.style.height = layout.height + "px";
    Plotly.react(gantt, all, layout, config("gantt"));
  }

  function drawMemory(a, b) {
    const peak = (run, name) => {
      const curve = run.memories.find((m) => m.name === name);
      return curve ? Math.max(0, ...curve.bytes) : 0;
    };
    const names = [...new Set([...a.memories, ...b.memories].map((m) => m.name))];
    const limited = (name) => [a, b].some((r) => r.memories.some((m) => m.name === name && m.capacity));
    const weight = (name) => Math.max(peak(a, name), peak(b, name));
    const chosen = names.filter((n) => weight(n) > 0)
      .sort((x, y) => limited(y) - limited(x) || weight(y) - weight(x)).slice(0, 6);
    const [unit, unitName] = timeUnit(Math.max(a.makespan, b.makespan));
    const rowHeight = 120;
    const plotHeight = Math.max(1, chosen.length) * rowHeight;
    const all = [];
    const layout = Object.assign({}, base, {
      height: plotHeight + 110, margin: { l: 90, r: 20, t: 10, b: 90 }, annotations: [], shapes: [],
      xaxis: { title: { text: `time (${unitName})`, standoff: 8 }, zeroline: false, gridcolor: "#d9dee3",
               anchor: chosen.length > 1 ? "y" + chosen.length : "y" },
    });
    layout.legend = Object.assign({}, base.legend, { y: -55 / plotHeight });
    chosen.forEach((name, at) => {
      const axis = at === 0 ? "y" : "y" + (at + 1);
      const top = 1 - at / chosen.length;
      const bottom = 1 - (at + 1) / chosen.length;
      const curves = [a, b].map((r) => r.memories.find((m) => m.name === name));
      const capacity = Math.max(0, ...curves.map((m) => (m && m.capacity) || 0));
      const most = Math.max(weight(name), Math.min(capacity, weight(name) * 4));
      const [scale, scaleName] = sizeUnit(most);
      [a, b].forEach((run, which) => {
        const curve = curves[which];
        if (!curve || (which === 1 && a === b)) return;
        all.push({
          type: "scatter", mode: "lines", yaxis: axis,
          x: [...curve.at, run.makespan].map((t) => t / unit),
          y: [...curve.bytes, curve.bytes[curve.bytes.length - 1]].map((v) => v / scale),
          line: { shape: "hv", color: run.colour, dash: which ? "dot" : "solid", width: which ? 1.6 : 2 },
          name: (which ? "B  " : "A  ") + esc(run.title), legendgroup: "r" + which, showlegend: at === 0,
          hovertemplate: `${esc(name)}: %{y:.3~g} ${scaleName} at %{x:.4~g} ${unitName}<extra></extra>`,
        });
      });
      if (capacity > 0 && capacity <= most) {
        layout.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, yref: axis,
          y0: capacity / scale, y1: capacity / scale, line: { color: "#c2183c", width: 1 } });
      }
      const beyond = capacity > most ? `, capacity ${size(capacity)}` : "";
      layout.annotations.push({ text: `${esc(name)} (${scaleName})${beyond}`, xref: "paper", yref: "paper", x: 0.004,
        y: top - 0.012, xanchor: "left", yanchor: "top", showarrow: false });
      layout[axis.replace("y", "yaxis")] = {
        domain: [bottom + 0.02, top - 0.02], range: [0, (most / scale) * 1.3], zeroline: false,
        gridcolor: "#d9dee3", nticks: 4, automargin: true, fixedrange: true,
      };
    });
    memory.style.height = layout.height + "px";
    Plotly.react(memory, all, layout, config("memory"));
  }

  function draw(isChanged) {
    const [a, b] = picks.map((p) => data.runs[Number(p.value)]);
    drawGantt(a, b);
    drawMemory(a, b);
    if (!isChanged) return;
    const later = b.makespan >= a.makespan ? "later" : "earlier";
    const percent = (100 * Math.abs(b.makespan / Math.max(1, a.makespan) - 1)).toFixed(1);
    document.querySelector("#gantt .answer").textContent =
      `A ends after ${duration(a.makespan)}, B after ${duration(b.makespan)}, ${percent} % ${later}.`;
  }

  picks.forEach((p) => p.addEventListener("change", () => draw(true)));
  draw(false);
})();
