module vbox-kubeadm/tools/pause

go 1.26
