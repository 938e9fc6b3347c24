module nestjs-leader.test/pause

go 1.24
