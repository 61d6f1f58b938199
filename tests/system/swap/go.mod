module berth/swap

go 1.24
