#!/bin/sh
# trim-modules.sh ROOT: drops drivers that no virtual machine has, so that clones are small, and unpacks the rest: unpacking takes an
# emulated machine long. Runs outside ROOT, which has no xz.
set -e
cd "$1"/usr/lib/modules/*/kernel

# keep FOLDER NAME…: drops the folders in it that are not named.
keep() {
  folder=$1
  shift
  for path in "$folder"/*/; do
    name=${path%/}
    case " $* " in *" ${name##*/} "*) ;; *) rm -r "$path" ;; esac
  done
}
keep . arch crypto drivers fs lib mm net security virt
keep drivers acpi ata block cdrom char dca input net pps ptp scsi tty virtio
keep drivers/net bonding ethernet ipvlan macvlan vxlan wireguard
keep drivers/net/ethernet amd intel
keep drivers/input evdev misc
keep drivers/scsi
keep fs autofs ext4 fat fuse isofs jbd2 nls overlayfs
rm -r net/bluetooth net/ceph net/mac80211 net/nfc net/sctp net/sunrpc net/tipc net/wireless

find . -name '*.ko.xz' -print0 | xargs -0 -P2 -n50 xz -d
