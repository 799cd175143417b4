(() => {
  "use strict";
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  let forced = null; // the theme of a printout

  // ---- charts: the words $fg, $s0 .. become the theme's colours each time a chart is drawn
  const charts = [...document.querySelectorAll(".chart")].map((box) => {
    const spec = JSON.parse(box.querySelector("script").textContent);
    box.textContent = "";
    return { box, spec, drawn: false };
  });
  const colorOf = (word) => getComputedStyle(root).getPropertyValue("--" + word.slice(1)).trim() || word;
  const isWord = /^\$[a-z]+\d*$/;
  const filled = (value) => {
    if (typeof value === "string") return isWord.test(value) ? colorOf(value) : value;
    if (Array.isArray(value)) return value.map(filled);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item)]));
    return value;
  };
  const AXIS = {
    gridcolor: "$line", zeroline: false, linecolor: "$line", tickcolor: "$line", automargin: true,
    tickfont: { size: 12, color: "$muted" },
  };
  const themed = (spec) => {
    const layout = {
      margin: { l: 52, r: 14, t: 10, b: 46 }, showlegend: false, hovermode: "closest", autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      dragmode: matchMedia("(pointer: fine)").matches ? "zoom" : false,
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "$fg" },
      hoverlabel: { bgcolor: "$raised", bordercolor: "$muted", font: { color: "$fg", size: 13 }, align: "left" },
      legend: { orientation: "h", y: -0.2, font: { color: "$fg" } },
      xaxis: {}, yaxis: {}, ...spec.layout,
    };
    for (const key of Object.keys(layout)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      const axis = { ...AXIS, ...layout[key] };
      if (typeof axis.title === "string") axis.title = { text: axis.title };
      if (axis.title) axis.title = { font: { size: 13, color: "$muted" }, standoff: 10, ...axis.title };
      layout[key] = axis;
    }
    return filled({ data: spec.data, layout });
  };
  const draw = (chart) => {
    if (!window.Plotly || !chart.box.offsetParent) return;
    const { data, layout } = themed(chart.spec);
    window.Plotly.react(chart.box, data, layout, { displayModeBar: false, responsive: true, showTips: false });
    chart.drawn = true;
  };
  const redraw = () => charts.forEach(draw);
  const unpack = async () => {
    const packed = document.getElementById("plotly-packed");
    if (!packed) return;
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    packed.remove();
    redraw();
    root.dataset.charts = "drawn";
  };
  if (charts.length) {
    unpack().catch(() => charts.forEach(({ box }) => {
      box.style.height = "auto";
      box.innerHTML = '<p class="waiting">This browser cannot draw the chart (it needs one from 2023 or later); the numbers stand in the tables.</p>';
    }));
  }

  // ---- tabs; panels of the same name switch together, so that all of the page speaks of one split
  const groups = [...document.querySelectorAll(".tabs")];
  const show = (group, key) => {
    const panels = [...group.children].filter((child) => child.classList.contains("tab-panel"));
    if (!panels.some((panel) => panel.id.endsWith("-" + key))) return;
    for (const panel of panels) panel.classList.toggle("off", !panel.id.endsWith("-" + key));
    for (const tab of group.querySelectorAll(":scope > .tab-list > [role=tab]")) {
      const on = tab.id.endsWith("-" + key);
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    charts.forEach((chart) => group.contains(chart.box) && draw(chart));
  };
  for (const group of groups) {
    const tabs = [...group.querySelectorAll(":scope > .tab-list > [role=tab]")];
    if (!tabs.length) continue;
    const keyOf = (tab) => tab.id.slice(tab.id.lastIndexOf("-") + 1);
    const choose = (tab) => {
      const before = tab.getBoundingClientRect().top;
      groups.forEach((other) => show(other, keyOf(tab)));
      scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: "instant" });
    };
    tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(index + step + tabs.length) % tabs.length];
        next.focus();
        choose(next);
        event.preventDefault();
      });
    });
    show(group, keyOf(tabs[0]));
  }

  // ---- theme
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("rareseg-theme", root.dataset.theme); } catch { /* a file may not store; the choice lasts until reload */ }
    redraw();
  });
  systemDark.addEventListener("change", redraw);
  addEventListener("beforeprint", () => { forced = root.dataset.theme ?? ""; root.dataset.theme = "light"; redraw(); });
  addEventListener("afterprint", () => {
    if (forced) root.dataset.theme = forced; else delete root.dataset.theme;
    redraw();
  });

  // ---- contents: folded on a phone, marked where the reader is
  const contents = document.getElementById("contents");
  if (matchMedia("(max-width: 1079px)").matches) contents.open = false;
  const links = new Map([...contents.querySelectorAll("a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((a) => a.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((section) => seen.observe(section));
})();
