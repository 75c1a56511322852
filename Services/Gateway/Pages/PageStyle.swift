extension Page {
  /// Colours keep a contrast of 7:1 for text in light and dark (WCAG 2.2, level AAA).
  static let style = """

    :root {
      color-scheme: light dark;
      --ground: #f3f4f6; --card: #ffffff; --edge: #dfe2e7; --ink: #16191d; --soft: #464d57;
      --button: #1d4f91; --press: #163e73; --on: #ffffff; --good: #1b6b3a; --tint: #e8eef7;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #101317; --card: #191d23; --edge: #2d333c; --ink: #f1f3f5; --soft: #b9c0ca;
        --button: #a9c8f5; --press: #c9ddfa; --on: #0c1a2e; --good: #7ed3a0; --tint: #222b38;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; min-height: 100vh; min-height: 100svh; display: grid; place-items: center;
      padding: 1.25rem; background: var(--ground); color: var(--ink);
      font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    }
    main {
      width: 100%; max-width: 30rem; padding: clamp(1.5rem, 6vw, 2.75rem);
      background: var(--card); border: 1px solid var(--edge); border-radius: 1rem;
      text-align: center; overflow-wrap: anywhere;
    }
    .store { margin: 0 0 1.5rem; color: var(--soft); font-weight: 600; }
    .mark {
      width: 4rem; height: 4rem; padding: 1rem; border-radius: 50%; background: var(--tint);
      fill: none; stroke: var(--button); stroke-width: 1.6; stroke-linecap: round;
      stroke-linejoin: round;
    }
    .mark.good { stroke: var(--good); }
    h1 { margin: 1rem 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
    p { margin: 0; color: var(--soft); text-wrap: pretty; }
    .address { color: var(--ink); font-weight: 600; white-space: nowrap; }
    form { margin: 1.75rem 0 0; }
    label { display: block; margin: 0 0 .5rem; font-weight: 600; }
    #code {
      width: 100%; min-height: 3rem; margin: 0 0 1rem; padding: .625rem .75rem;
      border: 1px solid var(--soft); border-radius: .625rem; background: var(--card);
      color: var(--ink); font: 600 1.125rem/1.4 ui-monospace, "Noto Sans Mono", monospace;
      letter-spacing: .05em; text-align: center; text-transform: uppercase;
    }
    #code::placeholder { color: var(--soft); opacity: .65; }
    #code:focus-visible { outline: 3px solid var(--button); outline-offset: 1px; }
    button {
      width: 100%; min-height: 3rem; padding: .75rem 1.5rem; border: 0; border-radius: .625rem;
      background: var(--button); color: var(--on); font: inherit; font-weight: 600;
      cursor: pointer;
    }
    button:hover, button:active { background: var(--press); }
    button:focus-visible { outline: 3px solid var(--button); outline-offset: 3px; }
    @media (forced-colors: active) { button { border: 2px solid ButtonText; } }
    @media (max-width: 22rem) { .address { white-space: normal; } }
    @media print { body { background: none; } form { display: none; } }

    """
}
