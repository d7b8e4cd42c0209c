/** How a report looks, in light and in dark. The colours of lines are those of Okabe and Ito, which the colour-blind can tell apart. */
import { Markup } from './markup.ts'

const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#3a9bd9', '#6b4fa3', '#555555']
const DARK = ['#56b4e9', '#f0833a', '#2fcf9f', '#e39ac4', '#f0e442', '#9fc5ff', '#b79df0', '#bbbbbb']

function colors (list: string[]): string {
  return list.map((color, i) => `--c${i}:${color}`).join(';')
}

const DARK_RULES = `--page:#14171a;--text:#e6e6e3;--soft:#9aa0a6;--rule:#30363c;--panel:#1b1f23;--good:#4cc38a;--bad:#ff8b7d;${colors(DARK)}`

export const REPORT_STYLE = new Markup(`<style>
:root{color-scheme:light dark;--page:#fff;--text:#1c1e21;--soft:#5f666d;--rule:#dcdfe3;--panel:#f6f7f8;--good:#0a7a4b;--bad:#b3261e;${colors(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${DARK_RULES}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:86rem;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{margin:0 0 .25rem;font-size:1.7rem}
h2{margin:2.4rem 0 .8rem;font-size:1.2rem}
p{margin:.4rem 0;max-width:60rem}
.facts,.note{color:var(--soft);font-size:.875rem}
.alert{padding:.6rem .9rem;border-left:4px solid var(--bad);background:var(--panel)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;margin:1rem 0;max-width:62rem}
dt{color:var(--soft)}dd{margin:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td small{color:var(--soft)}
.holds{color:var(--good);font-weight:600}.fails{color:var(--bad);font-weight:600}
code{font:.9em ui-monospace,monospace}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:1.5rem}
figure{margin:0;padding:1rem;border:1px solid var(--rule);border-radius:8px;background:var(--panel)}
figcaption{font-weight:600;margin-bottom:.5rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font:12px system-ui,sans-serif;font-variant-numeric:tabular-nums}
svg text.label{fill:var(--text);font-size:13px}
.grid{stroke:var(--rule);fill:none}.tick,.base{stroke:var(--soft);fill:none}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.faint{opacity:.28;stroke-width:1}.band{opacity:.2;stroke:none}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.5rem 0 0;padding:0;list-style:none;font-size:.85rem}
.legend i{display:inline-block;width:1.1rem;height:3px;margin-right:.4rem;vertical-align:middle}
${LIGHT.map((_, i) => `path.line.c${i}{stroke:var(--c${i})}
path.band.c${i},circle.c${i}{fill:var(--c${i})}i.c${i}{background:var(--c${i})}`).join('\n')}
@media print{figure{break-inside:avoid}}
</style>
`)
