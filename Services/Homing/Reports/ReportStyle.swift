/// How the report looks: light, dark and on paper. The colours of series can be told apart by
/// people who see few (Okabe and Ito).
enum ReportStyle {
  static let css = """

    :root {
      color-scheme: light dark;
      --ground: #f4f6f8; --card: #ffffff; --edge: #dde2e8; --ink: #14191f; --soft: #4d5763;
      --track: #eceff3; --sent: #0072b2; --delivered: #2387c4;
      --opened: #3d9bd6; --clicked: #d98e00; --bought: #009e73;
      --reason: #75818f; --entered: #5b6875; --would: #7d5ba6;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #0f1216; --card: #181c22; --edge: #2b313a; --ink: #eff2f5; --soft: #b2bbc6;
        --track: #252b33; --sent: #4a9fd8; --delivered: #6bb5e6;
        --opened: #8ccaf2; --clicked: #f0b13c;
        --bought: #3cc49a; --reason: #8d98a5; --entered: #8793a0; --would: #b497d6;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--ground); color: var(--ink);
      font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
      font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
    }
    main { max-width: 68rem; margin: 0 auto; padding: clamp(1rem, 4vw, 3rem); }
    h1 { margin: 0; font-size: clamp(1.6rem, 4vw, 2.25rem); line-height: 1.2; }
    h2 { margin: 0 0 1rem; font-size: 1.15rem; }
    h3 { margin: 0 0 .5rem; font-size: 1rem; }
    header p { margin: .5rem 0 0; color: var(--soft); }
    header strong { color: var(--ink); }
    small { color: var(--soft); font-size: .8125rem; font-weight: 400; }
    .notice {
      padding: .875rem 1rem; border: 1px solid var(--edge); border-left: 4px solid var(--would);
      border-radius: .5rem; background: var(--card); color: var(--ink);
    }
    section, .tiles > div {
      background: var(--card); border: 1px solid var(--edge); border-radius: .875rem;
    }
    section { margin: 1.25rem 0 0; padding: clamp(1rem, 3vw, 1.75rem); break-inside: avoid; }
    .tiles {
      display: grid; gap: .75rem; margin: 1.75rem 0 0;
      grid-template-columns: repeat(auto-fit, minmax(7.75rem, 1fr));
    }
    @media (min-width: 34rem) { .tiles .money { grid-column: span 2; } }
    .tiles > div { padding: 1rem 1.125rem; }
    .tiles dt { color: var(--soft); font-size: .875rem; }
    .tiles dd { margin: .25rem 0 0; }
    .tiles b { display: block; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; }
    .tiles .money b { font-size: 1.25rem; white-space: nowrap; }
    .tiles span { color: var(--soft); font-size: .8125rem; }
    .beside {
      display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin: .875rem .25rem 0; padding: 0;
      list-style: none; color: var(--soft); font-size: .875rem;
    }
    .beside b { color: var(--ink); }
    figure { margin: 0; }
    figcaption { margin: .875rem 0 0; color: var(--soft); font-size: .8125rem; }
    .funnel ol {
      display: grid; grid-template-columns: repeat(var(--stages), minmax(0, 1fr)); margin: 0;
      padding: 0 0 .75rem; list-style: none;
    }
    .funnel li > * { display: block; }
    .funnel li span { color: var(--soft); font-size: clamp(.6875rem, 2.4vw, .875rem); }
    .funnel li b { font-size: clamp(.875rem, 3.2vw, 1.375rem); line-height: 1.3; }
    .funnel li small { font-size: clamp(.6875rem, 2.4vw, .8125rem); }
    .funnel svg { display: block; width: 100%; height: clamp(6rem, 20vw, 11rem); }
    .entered { fill: var(--entered); } .delivered { fill: var(--delivered); }
    .would { fill: var(--would); }
    .bars { margin: 0; padding: 0; list-style: none; }
    .bars li {
      display: grid; grid-template-columns: 5rem minmax(3rem, 1fr) 8.5rem; gap: .75rem;
      align-items: center; padding: .2rem 0;
    }
    .bars.wide li { grid-template-columns: minmax(8rem, 20rem) minmax(3rem, 1fr) 4.5rem; }
    .bars span { line-height: 1.3; }
    .bars.wide small { display: block; }
    .bars b { font-weight: 600; white-space: nowrap; }
    .bars svg { display: block; width: 100%; height: .875rem; border-radius: .25rem; }
    .track { fill: var(--track); }
    .sent { fill: var(--sent); } .opened { fill: var(--opened); }
    .clicked { fill: var(--clicked); } .bought { fill: var(--bought); }
    .reason { fill: var(--reason); }
    .channels > div + div { margin-top: 1.25rem; }
    .scroll { overflow-x: auto; }
    .scroll:focus-visible { outline: 3px solid var(--sent); outline-offset: 2px; }
    table { width: 100%; border-collapse: collapse; }
    th, td { padding: .625rem .75rem; text-align: right; vertical-align: top; }
    th:first-child, td:first-child { padding-left: 0; text-align: left; }
    th:last-child, td:last-child { padding-right: 0; }
    thead th { white-space: nowrap; color: var(--soft); font-size: .8125rem; font-weight: 600; }
    tbody tr { border-top: 1px solid var(--edge); }
    tbody th { min-width: 9rem; font-weight: 600; }
    td { white-space: nowrap; }
    th small, td small { display: block; }
    .variant { border-top-style: dashed; }
    .variant th { padding-left: 1.25rem; font-weight: 400; }
    footer { margin: 1.75rem .25rem 0; color: var(--soft); font-size: .875rem; }
    footer h2 { margin: 0 0 .25rem; font-size: .9375rem; color: var(--ink); }
    footer p { margin: 0; max-width: 60rem; }
    @media (max-width: 34rem) {
      .bars li { grid-template-columns: 4.25rem minmax(2rem, 1fr) 7rem; gap: .5rem; }
      .bars.wide li { grid-template-columns: 1fr auto; }
      .bars.wide svg { grid-row: 2; grid-column: 1 / -1; }
    }
    @media print {
      :root { --ground: #fff; --soft: #333; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      body { font-size: 10pt; }
      main { max-width: none; padding: 0; }
      .scroll { overflow: visible; }
    }

    """
}
