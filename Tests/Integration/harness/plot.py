"""A plot of events a second against a limit, as an SVG file that a browser shows."""


def rate_plot(path, title, series, limit):
    """`series` is a list of (name, {second: count}); `limit` is drawn as a line."""
    width, height, left, bottom = 900, 320, 60, 40
    seconds = max((max(counts, default=0) for _, counts in series), default=0) + 1
    top = max([limit * 1.3] + [max(counts.values(), default=0) * 1.05 for _, counts in series])

    def x(second):
        return left + second * (width - left - 20) / max(1, seconds)

    def y(value):
        return height - bottom - value * (height - bottom - 40) / top

    colours = ["#2f6fb0", "#c0392b", "#2e8b57"]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
             'font-size="12"><rect width="100%" height="100%" fill="white"/>',
             f'<text x="{left}" y="20" font-size="14">{title}</text>']
    for step in range(5):
        value = top * step / 4
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#eee"/>'
                     f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0f}</text>')
    for step in range(0, seconds + 1, max(1, seconds // 10)):
        parts.append(f'<text x="{x(step):.1f}" y="{height - 18}" text-anchor="middle">{step}</text>')
    parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="black" '
                 f'stroke-dasharray="6 4"/><text x="{width - 22}" y="{y(limit) - 5:.1f}" text-anchor="end">limit '
                 f'{limit:g}/s</text>')
    for index, (name, counts) in enumerate(series):
        colour = colours[index % len(colours)]
        points = " ".join(f"{x(second + 0.5):.1f},{y(counts.get(second, 0)):.1f}" for second in range(seconds))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                     f'<text x="{left + 10 + 160 * index}" y="{height - 4}" fill="{colour}">{name}</text>')
    path.write_text("\n".join(parts) + "\n</svg>\n")
