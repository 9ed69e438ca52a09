#!/usr/bin/perl
# A simulated program as its callers see it: asks the process that serves the site (programServer.ts), which answers sooner than Node.js starts.
# It sends its name and arguments with NULs between them, and is sent its exit code, the length of its standard output, that, and its
# standard error. Where it is sent nothing it ends as killed; where its caller is gone, so is it.
use strict;
use warnings;
use Socket;

my $path = '${socket}';
my ($name) = $0 =~ m{([^/]+)$};
my $caller = getppid;
socket(my $server, PF_UNIX, SOCK_STREAM, 0) or die "$name: $!\n";
connect($server, sockaddr_un($path)) or die "$name: nothing serves $path: $!\n";
syswrite($server, join("\0", $name, @ARGV));
shutdown($server, 1);

my $answer = "";
for (;;) {
  my $ready = "";
  vec($ready, fileno($server), 1) = 1;
  if (select($ready, undef, undef, 0.2)) { sysread($server, $answer, 65536, length $answer) or last }
  elsif (getppid != $caller) { exit 1 }
}
kill "KILL", $$ if $answer eq "";
my ($code, $length, $rest) = unpack("N N a*", $answer);
print STDOUT substr($rest, 0, $length);
print STDERR substr($rest, $length);
exit $code;
