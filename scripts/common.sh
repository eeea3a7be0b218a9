# shellcheck shell=bash
# Sourced by the scripts: where things are. Needs bash, changes nothing.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export repo

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# deps KIND: the items of that kind in deps.txt, without the kind.
deps() {
	awk -v kind="$1" '$1 == kind { sub(/^[^ ]+ +/, ""); print }' "$repo/scripts/deps.txt"
}

cache_dir() {
	# CI may run without HOME.
	local home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

	echo "${BPFVLAN_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/bpfvlan}"
}

# kernel_image LABEL: the image that scripts/setup unpacked; fails if there is none.
kernel_image() {
	local image

	for image in "$(cache_dir)/kernels/$1"/boot/vmlinuz-*; do
		[[ -f $image ]] && echo "$image" && return
	done
	return 1
}

# vng_path: the vng that scripts/setup installed; fails if there is none.
vng_path() {
	local venv

	venv=$(cache_dir)/venv
	[[ -f $venv/.complete ]] && echo "$venv/bin/vng"
}
