ln -s /etc out; mkdir deep; ln -s /etc deep/middle; ln -s / root
