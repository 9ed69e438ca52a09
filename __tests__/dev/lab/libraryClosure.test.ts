import { librariesOf } from "../../../dev/lab/libraryClosure";

test("ldd's output for several programs", () => {
  const output = `/usr/sbin/nft:
\tlinux-vdso.so.1 (0x00007f737a1d1000)
\tlibnftables.so.1 => /lib/x86_64-linux-gnu/libnftables.so.1 (0x00007f737a111000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f737a1d3000)
/sbin/static:
\tstatically linked
/bin/kmod:
\tlibc++.so.1 => /usr/lib/libc++.so.1 (0x00007f737a10a000)
`;
  expect(librariesOf(output)).toEqual([
    "/lib/x86_64-linux-gnu/libnftables.so.1",
    "/lib64/ld-linux-x86-64.so.2",
    "/usr/lib/libc++.so.1",
  ]);
});
