#!/bin/sh
# An installed tree runs from anywhere: installed, moved, and used without the clone.
#
#   install.sh BUILD-FOLDER
set -eu
unset IPCLAB_ROOT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
export HOME="$work/home"
mkdir "$HOME"
cd /
ipclab=$work/moved/bin/ipclab

"$ipclab" list | grep -q pipe-eof
"$ipclab" trace --quiet -o "$work/run" -- sh -c 'echo hello | cat' | grep -q hello
"$ipclab" view --summary "$work/run" | grep -q '1 pipe'
"$ipclab" run pipe-eof --variant healthy --summary | grep -q 'exited 0'
"$ipclab" grade pipe-eof "$work/moved/share/ipclab/solutions/2-pipes/pipe-eof.c" >"$work/verdict" || { cat "$work/verdict"; exit 1; }
for file in man/man1/ipclab.1 bash-completion/completions/ipclab zsh/site-functions/_ipclab fish/vendor_completions.d/ipclab.fish; do
    [ -s "$work/moved/share/$file" ] || { echo "not installed: share/$file"; exit 1; }
done
