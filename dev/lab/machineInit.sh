#!/bin/bash
# Process 1 of a container machine, in fresh mount, pid, uts and ipc namespaces: builds the machine's root, makes it the only one, and stays
# to run sshd and to collect orphans. When it is killed, the kernel ends all that runs in the machine and takes the mounts away.
#
# machineInit.sh PIDFILE HOSTNAME LOWER FOLDER [SOURCE:TARGET]…
#   LOWER is the unpacked Debian root that is only read, FOLDER holds upper/ (what the machine changed) and work/; each SOURCE of the
#   workstation is seen as TARGET in the machine.
set -eu
pidfile=$1 hostname=$2 lower=$3 folder=$4
shift 4

# /proc is still the workstation's here, so this is our process id there.
read -r pid _ </proc/self/stat
echo "$pid" >"$pidfile"
mount --make-rprivate /
hostname "$hostname"

root=$folder/root
mkdir -p "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/sshd"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
for bind in "$@"; do
  source=${bind%%:*} target=$root${bind#*:}
  if [ -d "$source" ]; then mkdir -p "$target"; else mkdir -p "${target%/*}" && touch "$target"; fi
  mount --bind "$source" "$target"
done

mkdir "$root/run/workstation"
cd "$root"
pivot_root . run/workstation
cd /
umount --lazy /run/workstation
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

getent passwd debian >/dev/null || useradd --create-home --shell /bin/bash debian
while :; do
  /usr/sbin/sshd -D -e || sleep 1
done
