// SPDX-License-Identifier: Apache-2.0

extension CasePage {
    /// Light and dark, as the reader's system has it; from 320 pixels up.
    static let styleSheet = """
        :root { color-scheme: light dark; --rp-ink: #1c2024; --rp-faint: #5f6b76; --rp-paper: #ffffff; --rp-box: #f3f5f7;
          --rp-line: #d5dbe1; --rp-bad: #c62828; --rp-well: #2e7d32; --rp-other: #9a6700; }
        @media (prefers-color-scheme: dark) {
          :root { --rp-ink: #e6e9ec; --rp-faint: #9aa5b1; --rp-paper: #14181c; --rp-box: #1d2329; --rp-line: #38424c;
            --rp-bad: #ff6b63; --rp-well: #74c66c; --rp-other: #e3b341; } }
        body { margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--rp-paper); color: var(--rp-ink);
          font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
        h1 { font-size: 1.6rem; margin: 0.5rem 0; } h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem;
          border-bottom: 1px solid var(--rp-line); padding-bottom: 0.25rem; }
        h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; } h4 { font-size: 0.95rem; margin: 1rem 0 0.25rem; }
        p { margin: 0.5rem 0; }
        p.rp-faint { color: var(--rp-faint); font-size: 0.875rem; }
        p.rp-summary { padding: 0.75rem 1rem; background: var(--rp-box); border-left: 4px solid var(--rp-other); }
        p.rp-bad { border-color: var(--rp-bad); } p.rp-well { border-color: var(--rp-well); }
        p.rp-reason { font-weight: 600; }
        pre { background: var(--rp-box); padding: 0.75rem; overflow-x: auto; border-radius: 4px;
          font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
        code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
        table.rp-properties { border-collapse: collapse; margin: 0.5rem 0; }
        .rp-properties th { text-align: left; vertical-align: top; padding: 0.15rem 1rem 0.15rem 0; font-weight: 400;
          color: var(--rp-faint); white-space: nowrap; }
        .rp-properties td { padding: 0.15rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
        .rp-registers { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.15rem 1rem; }
        .rp-registers b { display: inline-block; min-width: 3.5rem; font-weight: 600; }
        .rp-map { overflow-x: auto; } .rp-map svg { max-width: 100%; min-width: 44rem; height: auto; }
        .rp-registers .rp-address { color: var(--rp-bad); }
        details { margin: 0.5rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
        ol.rp-line { list-style: none; margin: 0.5rem 0; padding: 0 0 0 0.5rem; }
        .rp-line li { position: relative; padding: 0 0 0.6rem 1.5rem; border-left: 2px solid var(--rp-line); }
        .rp-line li:last-child { border-color: transparent; padding-bottom: 0; }
        .rp-line li::before { content: ""; position: absolute; left: -7px; top: 0.4rem; width: 12px; height: 12px;
          border-radius: 50%; background: var(--rp-other); }
        .rp-line li.rp-bad::before { background: var(--rp-bad); }
        .rp-line li.rp-well::before { background: var(--rp-well); }
        time { color: var(--rp-faint); font-variant-numeric: tabular-nums; margin-right: 0.5rem; }
        @media (max-width: 40rem) {
          .rp-properties th, .rp-properties td { display: block; } .rp-properties td { padding-bottom: 0.4rem; }
          .rp-line time { display: block; } }
        @media print { pre { white-space: pre-wrap; } }

        """
}
