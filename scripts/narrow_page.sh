#!/bin/sh
# Looks at a report's page 400 pixels wide: `scripts/narrow_page.sh PAGE/index.html`. It needs chromium.
# The page itself must not be wider than that, and each table must scroll within its own frame.
set -eu
page=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Windows have a least width that is larger, frames have none. The page has no scripts, so its frame is measured.
cat > "$folder/frame.html" <<END
<iframe src="file://$page" style="width:400px;height:4000px;border:0" onload="
    const page = this.contentDocument, wide = [];
    if (page.documentElement.scrollWidth > 400) wide.push('the page: ' + page.documentElement.scrollWidth);
    for (const table of page.querySelectorAll('table')) {
        const frame = table.closest('.scroll');
        if (!frame || frame.getBoundingClientRect().right > 400) wide.push('a table: ' + table.innerText.slice(0, 40));
    }
    for (const part of page.querySelectorAll('body *')) {
        const isScrolled = part.closest('.scroll, svg');
        if (!isScrolled && part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== 'inline')
            wide.push(part.tagName + ': ' + part.innerText.slice(0, 40));
    }
    document.title = wide.length ? 'TOO WIDE ' + wide.join(' | ') : 'NARROW ENOUGH';
"></iframe>
END
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --allow-file-access-from-files --user-data-dir="$folder/profile" \
    --virtual-time-budget=2000 --dump-dom "file://$folder/frame.html" 2> "$folder/log" > "$folder/dom"
grep -o '<title>TOO WIDE[^<]*' "$folder/dom" && exit 1
grep -q '<title>NARROW ENOUGH' "$folder/dom" || { cat "$folder/log"; exit 2; }
echo "$1: nothing is wider than 400 pixels but what scrolls"
