"""The page of the report, without what changes from clip to clip."""

from string import Template

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light; --ink: #22262b; --soft: #69727d; --line: #e4e7eb; --swap: #2463a8; }
  body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.5rem 4rem; color: var(--ink); background: #fff;
         font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
  h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 .2rem; }
  h2 { font-size: 1.15rem; font-weight: 600; margin: 2.8rem 0 .6rem; }
  h3 { font-size: .95rem; font-weight: 600; margin: 1.6rem 0 .4rem; }
  p { margin: .2rem 0 .8rem; color: var(--soft); max-width: 46rem; }
  video { width: 100%; border-radius: 6px; display: block; background: #000; }
  .names { display: flex; justify-content: space-around; color: var(--soft); font-size: .85rem; padding: .3rem 0; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  thead th { font-size: .8rem; font-weight: 600; color: var(--soft); text-align: right; padding: .3rem .8rem; }
  thead th:first-child, tbody th { text-align: left; }
  tbody th { font-weight: 500; padding: .45rem .8rem .45rem 0; }
  tbody small { display: block; font-weight: 400; color: var(--soft); font-size: .8rem; line-height: 1.35; }
  tbody td { text-align: right; padding: .45rem .8rem; white-space: nowrap; vertical-align: top; color: var(--soft); }
  tbody tr { border-top: 1px solid var(--line); }
  tr.group { border-top: 0; }
  tr.group th { padding-top: 1.4rem; font-size: .8rem; font-weight: 600; color: var(--swap); }
  td.good, td.fair, td.poor { color: var(--ink); font-weight: 600; }
  td.good::before, td.fair::before, td.poor::before { content: ""; display: inline-block; width: .6em; height: .6em;
         border-radius: 50%; margin-right: .5em; background: #3f9a67; }
  td.fair::before { background: #e0a93b; }
  td.poor::before { background: #c9503f; }
  td.unknown { white-space: normal; max-width: 7rem; font-size: .85rem; }
  svg { width: 100%; height: auto; display: block; }
  .worst { display: flex; gap: .7rem; }
  figure { margin: 0; flex: 0 1 11rem; }
  figure img { width: 100%; display: block; border-radius: 4px; }
  figcaption { font-size: .8rem; color: var(--soft); padding-top: .2rem; font-variant-numeric: tabular-nums; }
  footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; font-size: .85rem; }
</style>
<h1>$title</h1>
<p>$about</p>
<video src="$clip" autoplay loop muted controls playsinline></video>
<div class="names">$clip_names</div>

<h2>Scores</h2>
<p>Means over the frames. “No swap” is what the untouched source gets, “truth” what a perfect swap would. The last
column says from where on a swap counts as good; the dot is green there, yellow on the way, red where it is bad. These
limits were set on two invented people: on other footage, compare with the columns beside.</p>
<table>
<thead><tr><th></th><th>swap</th><th>no swap</th><th>truth</th><th>good</th></tr></thead>
<tbody>$table</tbody>
</table>
<p>$unmeasured</p>

<h2>Over time</h2>
<p>Each score from frame to frame, in seconds of the source. A peak is a moment to look at.</p>
$curves

<h2>The worst moments</h2>
<p>The five frames that each score likes least, from the worst on: the source above, the swap below it, and the truth
last where there is one.</p>
$worst
<footer><p>The faces of the swapped clip were generated. Say so where you show it.</p></footer>
</html>
""")
"""Placeholders: title, about, clip, clip_names, table, unmeasured, curves, worst; all HTML."""
