"""How the page looks: light and dark as the reader's system is, and on paper always light."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --muted: #59636e; --rule: #d5dae0; --soft: #f4f6f8; --bad: #b3261e;
  --note: #fff6e0; --note-rule: #d9a400; --link: #0757a8;
  --s1: #0072b2; --s2: #d55e00; --s3: #00875f; --s4: #b0478a; --s5: #8a6d00; --s6: #2f8fc4; --s7: #6b3fa0;
  --s8: #555b61; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14171a; --ink: #e4e8ec; --muted: #9aa5b0; --rule: #363d45; --soft: #1d2227; --bad: #ff8a80;
  --note: #2e2611; --note-rule: #c99a1a; --link: #7cb8ff;
  --s1: #4fb0ee; --s2: #ff8f4d; --s3: #36cfa0; --s4: #f092c8; --s5: #e0c04a; --s6: #9ad6ff; --s7: #c39cf2;
  --s8: #aeb6bd; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 64px; max-width: 1180px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 40px 0 10px; padding-bottom: 5px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 16px; margin: 24px 0 8px; }
h4 { font-size: 14px; margin: 16px 0 6px; color: var(--muted); font-weight: 600; }
p { margin: 6px 0; max-width: 80ch; }
a { color: var(--link); }
nav { margin: 14px 0 4px; display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 14px; }
nav.index { gap: 2px 12px; font-size: 13px; }
.muted, .under, figcaption { color: var(--muted); }
.note { background: var(--note); border-left: 4px solid var(--note-rule); padding: 8px 12px; margin: 8px 0;
  max-width: none; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--rule); }
th, td { padding: 5px 18px 5px 0; }
th:last-child, td:last-child { padding-right: 0; }
td { vertical-align: top; border-bottom: 1px solid var(--rule); }
td:first-child { min-width: 9em; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; }
td.number { white-space: nowrap; }
td.number .under { white-space: normal; max-width: 17em; margin-left: auto; }
td.label { min-width: 12em; } td.whole { white-space: nowrap; }
td.long { overflow-wrap: anywhere; min-width: 12em; }
.part { white-space: nowrap; }
.under { display: block; font-size: 12px; line-height: 1.35; }
.bad { color: var(--bad); font-weight: 600; }
.bad .under, th .under { font-weight: 400; }
.figures { display: flex; flex-wrap: wrap; gap: 12px 22px; margin: 10px 0; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: 13px; max-width: 42ch; }
.key { display: inline-flex; align-items: center; gap: 5px; margin-right: 14px; font-size: 13px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 0; margin: 6px 0; }
svg { display: block; } svg.plot { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
svg .axis { font-size: 12px; } svg .tick { fill: var(--muted); } svg .name { font-size: 10px; fill: var(--muted); }
svg .frame { fill: none; stroke: var(--rule); } svg .grid { stroke: var(--rule); stroke-width: .6; }
svg .zero { stroke: var(--muted); } svg .ideal { stroke: var(--muted); stroke-dasharray: 5 4; }
svg .curve { fill: none; stroke: var(--c); stroke-width: 1.8; } svg .mark, svg .bar { fill: var(--c); }
svg .mark { stroke: var(--paper); stroke-width: .8; } svg .excluded .mark { fill: var(--paper); stroke: var(--c);
  stroke-width: 1.4; }
svg .curve.reference { stroke: var(--ink); stroke-dasharray: 4 3; stroke-width: 1.3; }
svg circle.reference { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); }
.s5 { --c: var(--s5); } .s6 { --c: var(--s6); } .s7 { --c: var(--s7); } .s8 { --c: var(--s8); }
details { margin: 6px 0; } summary { cursor: pointer; }
pre { margin: 4px 0 10px; padding: 8px 12px; background: var(--soft); font-size: 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.structure { break-inside: avoid-page; }
.structure .note { font-size: 12.5px; padding: 3px 10px; }
@media print {
  @page { margin: 14mm 12mm; }
  :root { color-scheme: light; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  nav { display: none; }
  h2, h3, h4 { break-after: avoid; } h2 { margin-top: 24px; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; } th, td { padding-right: 10px; } td.number { white-space: normal; }
  td.number .under { white-space: normal; max-width: 17em; margin-left: auto; }
td.label { min-width: 12em; } td.whole { white-space: nowrap; }
td.long { min-width: 0; } td:first-child { min-width: 0; } .under { font-size: 7.5pt; }
  tr, figure { break-inside: avoid; } thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
