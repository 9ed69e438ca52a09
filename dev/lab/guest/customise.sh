#!/bin/bash
# customise.sh baked|bare: makes a worker's root out of a plain Debian root. Runs in that root by chroot, with proc, sys, dev and a run of
# its own; what it is given is in /lab: masked-units, masked-generators, packages/*.deb, images/*.tar.
set -euo pipefail
kind=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

lines() { grep -v '^#' "$1"; }
lines /lab/masked-units | xargs systemctl --quiet mask
mkdir -p /etc/systemd/system-generators
lines /lab/masked-generators | while read -r name; do ln -sf /dev/null "/etc/systemd/system-generators/$name"; done

# cloud-init finds its locale there and leaves it alone; making one takes an emulated machine half a minute.
sed -i 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen >/dev/null

# Every clone makes its own identity.
: >/etc/machine-id
rm -f /etc/ssh/ssh_host_* /etc/hostname

# The kernel knows the disk by the modules that the initial RAM disk lists: no udev needed before the real root is there.
rm /usr/share/initramfs-tools/hooks/{udev,fsck,dmsetup,keymap,resume,thermal} /usr/share/initramfs-tools/scripts/*/{udev,keymap,resume}

# What cloud-init loads at every boot if it is there, and does without: the validation of user-data, a second detector of encodings.
rm -r /usr/lib/python3/dist-packages/{jsonschema,chardet}

depmod "$(ls /usr/lib/modules)"
update-initramfs -u >/dev/null
systemctl --quiet enable ssh systemd-networkd

dpkg --install --force-confold /lab/packages/*.deb >/dev/null
if [[ $kind == bare ]]; then
  mkdir -p /var/lib/lab-images
  mv /lab/images/*.tar /var/lib/lab-images/
  exit
fi

# The kubelet complains every second where its folder of static pods is missing; Kubernetes' packages bring it.
mkdir -p /opt/cni/bin /etc/kubernetes/manifests
ln -s /usr/lib/cni/* /opt/cni/bin/
systemctl --quiet enable containerd kubelet
containerd --address /run/import.sock --log-level error >/run/containerd.log 2>&1 &
containerd=$!
for ((i = 0; i < 100; i++)); do ctr --address /run/import.sock version >/dev/null 2>&1 && break; sleep 0.1; done
for image in /lab/images/*.tar; do ctr --address /run/import.sock --namespace k8s.io images import "$image"; done
kill "$containerd"
wait "$containerd" || true
